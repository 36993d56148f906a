// Looks for secrets in the bytes of a file as they are read, so that they never reach a commit.
import rules from "./secret-rules.json" with { type: "json" };

export type SecretScan = ReturnType<typeof createSecretScan>;

/** Of a text, so much is looked through by the rules; given values are looked for in all bytes of any file. */
const textBytes = 16 * 1024 * 1024;
/** A file with a NUL here is no text (git's own rule: buffer_is_binary in xdiff-interface.c). */
const headBytes = 8_192;
/** Looked through at once: text of this length is garbage that V8 collects cheaply. */
const sliceBytes = 64 * 1024;
/** Longer than anything that a rule matches. */
const overlapChars = 2_048;

/** @param values that are secret whatever they look like; such shorter than 8 characters are not looked for */
export function createSecretScan(values: readonly string[]) {
  const needles = values.filter((value) => value.length >= 8).flatMap(formsOf);
  const overlap = Math.max(overlapChars, ...needles.map((needle) => needle.length));
  let tail = "\n"; // a rule about the beginning of a line: V8 looks for a line end thrice as fast as for `^`
  let cutOff = false;
  let line = 0;
  let seenBytes = 0;
  let binary: boolean | undefined;
  let found: string | undefined;

  function look(text: string, last: boolean): void {
    const byRules = !binary && seenBytes <= textBytes;
    const hit = findValue(text, needles) ?? (byRules ? findByRule(text, cutOff, last) : undefined);
    if (hit) found = binary ? hit.name : `${hit.name} in line ${line + countLines(text, hit.index)}`;
  }

  function feedSlice(part: Buffer): void {
    binary ??= part.subarray(0, headBytes).includes(0);
    if (found !== undefined || (needles.length === 0 && (binary || seenBytes > textBytes))) return;
    const text = tail + part.toString("latin1");
    look(text, false);
    const cut = Math.max(0, text.length - overlap);
    seenBytes += part.length;
    line += countLines(text, cut);
    cutOff ||= cut > 0;
    tail = text.slice(cut);
  }

  return {
    /** The next bytes; a megabyte of text takes some ten milliseconds. */
    feed(bytes: Uint8Array): void {
      const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = 0; at < whole.length; at += sliceBytes) feedSlice(whole.subarray(at, at + sliceBytes));
    },
    /** After the last bytes: "AWS access key ID in line 3", never the value; undefined when there is none. */
    end(): string | undefined {
      if (found === undefined) look(tail, true);
      return found;
    },
  };
}

type Hit = { name: string; index: number };

/** As bytes that are read one a character; also as JSON writes it. */
function formsOf(value: string): string[] {
  const forms = new Set([value, JSON.stringify(value).slice(1, -1)]);
  return [...forms].map((form) => Buffer.from(form).toString("latin1"));
}

function findValue(text: string, needles: readonly string[]): Hit | undefined {
  for (const needle of needles) {
    const index = text.indexOf(needle);
    if (index !== -1) return { name: "a secret of this project", index };
  }
  return undefined;
}

type Rule = { name: string; pattern: string; flags?: string; entropy?: number; mixed?: boolean };

const compiled = (rules as Rule[]).map((rule) => ({
  ...rule,
  expression: new RegExp(rule.pattern, `g${rule.flags ?? ""}`),
}));

/** What touches the end may go on, and what touches a cut was seen whole before. */
function findByRule(text: string, cutOff: boolean, last: boolean): Hit | undefined {
  const plain = unescape(text);
  for (const { name, expression, entropy = 0, mixed = false } of compiled) {
    for (const match of plain.matchAll(expression)) {
      const end = match.index + match[0].length;
      if ((cutOff && match.index === 0) || (!last && end === text.length)) continue;
      const value = match.groups?.["value"] ?? match[0];
      if (entropyOf(value) < entropy || (mixed && !isMixed(value))) continue;
      return { name, index: match.index + match[0].indexOf(value) };
    }
  }
  return undefined;
}

/** A notebook is JSON: what stands escaped in it as it is meant, in the same number of characters. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  return text.replace(/\\(["'nrt/\\])/g, (_, char: string) =>
    char === "n" || char === "r" ? "\r\r" : char === "t" || char === "\\" ? "  " : `${char} `,
  );
}

/** Bits a character. */
function entropyOf(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  return [...counts.values()].reduce((sum, count) => {
    const share = count / value.length;
    return sum - share * Math.log2(share);
  }, 0);
}

function isMixed(value: string): boolean {
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && /[0-9]/.test(value);
}

function countLines(text: string, end: number): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}
