// One line of a .gitignore file as a test of paths; the rules are gitignore(5)'s and those of git's wildmatch.c.

export type IgnorePattern = {
  /** `!`: takes back what a line before it ignores. */
  negated: boolean;
  /** Ends in `/`: folders only. */
  folderOnly: boolean;
  /** Has a `/` at its beginning or middle: counts from the folder of its file; else it is about names at any depth. */
  anchored: boolean;
  /** For `anchored`, of the path from that folder; else of the name. */
  matches(text: string): boolean;
  /** Of `anchored`: a test for each of its segments; null stands for `**`. */
  segments: readonly (((name: string) => boolean) | null)[];
};

/** Undefined for an empty line, a comment, or what can match nothing. */
export function parseIgnorePattern(line: string): IgnorePattern | undefined {
  let text = trimEnd(line.replace(/\r$/, ""));
  if (text === "" || text.startsWith("#")) return undefined;
  const negated = text.startsWith("!");
  if (negated) text = text.slice(1);
  const folderOnly = text.endsWith("/");
  if (folderOnly) text = text.slice(0, -1);
  const anchored = text.includes("/");
  if (text.startsWith("/")) text = text.slice(1);
  if (text === "") return undefined;
  const matches = buildTest(text);
  if (!matches) return undefined;
  const segments = anchored
    ? text.split("/").map((part) => (part === "**" ? null : (buildTest(part) ?? (() => false))))
    : [];
  return { negated, folderOnly, anchored, matches, segments };
}

/** Spaces at the end do not count unless a backslash stands before them. */
function trimEnd(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === " " && line[end - 2] !== "\\") end -= 1;
  return line.slice(0, end);
}

function buildTest(pattern: string): ((text: string) => boolean) | undefined {
  if (!/[*?[\\]/.test(pattern)) return (text) => text === pattern;
  const source = buildSource(pattern);
  if (source === undefined) return undefined;
  try {
    const expression = new RegExp(`^${source}$`, "su");
    return (text) => expression.test(text);
  } catch {
    return undefined; // a range that runs backwards matches nothing
  }
}

function buildSource(pattern: string): string | undefined {
  let source = "";
  for (let at = 0; at < pattern.length;) {
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    if (char === "*") {
      const [, stars = ""] = /^(\*+)/.exec(pattern.slice(at)) ?? [];
      const after = at + stars.length;
      const whole = stars.length === 2 && (at === 0 || pattern[at - 1] === "/");
      if (whole && pattern[after] === "/") {
        source += "(?:.*/)?";
        at = after + 1;
      } else {
        source += whole && after === pattern.length ? ".*" : "[^/]*";
        at = after;
      }
    } else if (char === "?") {
      source += "[^/]";
      at += 1;
    } else if (char === "[") {
      const set = readSet(pattern, at);
      if (!set) return undefined;
      source += set.source;
      at = set.end;
    } else if (char === "\\") {
      if (at + 1 >= pattern.length) return undefined;
      const next = String.fromCodePoint(pattern.codePointAt(at + 1) ?? 0);
      source += escape(next);
      at += 1 + next.length;
    } else {
      source += escape(char);
      at += char.length;
    }
  }
  return source;
}

const classes: Readonly<Record<string, string>> = {
  alnum: "a-zA-Z0-9",
  alpha: "a-zA-Z",
  blank: " \\t",
  cntrl: "\\x00-\\x1f\\x7f",
  digit: "0-9",
  graph: "!-~",
  lower: "a-z",
  print: " -~",
  punct: "!-\\/:-@\\[-`\\{-~",
  space: "\\s",
  upper: "A-Z",
  xdigit: "0-9a-fA-F",
};

/** `[…]`, `[!…]`; a slash is never in it. Undefined without its end. */
function readSet(pattern: string, start: number): { source: string; end: number } | undefined {
  let at = start + 1;
  const negated = pattern[at] === "!" || pattern[at] === "^";
  if (negated) at += 1;
  let inner = "";
  for (let first = true; first || pattern[at] !== "]"; first = false) {
    if (at >= pattern.length) return undefined;
    const named = /^\[:([a-z]+):\]/.exec(pattern.slice(at));
    if (named) {
      const known = classes[named[1] ?? ""];
      if (known === undefined) return undefined;
      inner += known;
      at += named[0].length;
      continue;
    }
    const range = pattern[at] === "-" && !first && pattern[at + 1] !== "]";
    if (pattern[at] === "\\") at += 1;
    const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    inner += range ? "-" : escapeInSet(char);
    at += char.length;
  }
  return { source: `(?!/)[${negated ? "^" : ""}${inner}]`, end: at + 1 };
}

function escape(char: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}

function escapeInSet(char: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/.test(char) ? `\\${char}` : char;
}
