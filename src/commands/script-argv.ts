// A user's own script with what came after `--` on the command line.

/**
 * For `sh -c`: as its positional parameters, and as further words of its last line where it does not speak of them itself.
 * @param script any shell text
 */
export function buildScriptArgv(script: string, operands: readonly string[]): readonly string[] {
  if (operands.length === 0) return ["sh", "-c", script];
  const given = namesParameter(script) ? script : `${script.trimEnd()} "$@"`;
  return ["sh", "-c", given, "sh", ...operands];
}

/** Why what comes after `--` would not reach any program of this script; undefined when it does. */
export function findLostOperands(script: string): string | undefined {
  const { code, quoted, isOpen } = readScript(script);
  if (isOpen || namesParameter(code)) return undefined;
  // In a here-document an apostrophe begins no quote.
  if (script.includes("<<") && namesParameter(script)) return undefined;
  if (namesParameter(quoted)) return "its `run` names parameters only within single quotes";
  if (namesParameter(script)) return "its `run` names parameters only in a comment";
  const last = script.trimEnd().split("\n").at(-1) ?? "";
  if (readScript(script.trimEnd()).endsInComment) return "the last line of its `run` ends in a comment";
  const documents = [...script.matchAll(/<<-?\s*["'\\]?(\w+)/g)].map(([, word]) => word);
  if (documents.includes(last.trim())) return "the last line of its `run` ends a here-document";
  if (/(?:^\s*|;\s*)(?:done|fi|esac|\})$|[;&]$/.test(last))
    return "the last line of its `run` ends no command";
  return undefined;
}

/** Also `for NAME do`, which goes through all of them (XCU 2.9.4.2), and getopts(1). */
function namesParameter(text: string): boolean {
  return /\$(?:[@*#1-9]|\{[@*#1-9])|\bfor\s+[A-Za-z_]\w*\s*;?\s*do\s|\bgetopts\s/.test(text);
}

type Read = {
  /** What a shell would read as code or within double quotes, and what stands within single quotes. */
  code: string;
  quoted: string;
  /** A quote never ends, as an apostrophe in a here-document. */
  isOpen: boolean;
  endsInComment: boolean;
};

/** Quoting as in XCU 2.2. A substitution within double quotes has quotes of its own. */
function readScript(script: string): Read {
  let [code, quoted, endsInComment] = ["", "", false];
  const inside: ('"' | "(")[] = [];
  for (let at = 0; at < script.length; at++) {
    const one = script.charAt(at);
    const isPlain = inside.at(-1) !== '"';
    endsInComment = false;
    if (one === "\\") code += one + script.charAt(++at);
    else if (one === "'" && isPlain) {
      const end = script.indexOf("'", at + 1);
      if (end === -1) return { code, quoted, isOpen: true, endsInComment };
      quoted += script.slice(at + 1, end);
      code += "''";
      at = end;
    } else if (one === "#" && isPlain && /(?:^|[\s;&|()])$/.test(code)) {
      const end = script.indexOf("\n", at);
      endsInComment = end === -1;
      at = endsInComment ? script.length : end - 1;
    } else {
      code += one;
      if (one === '"' && isPlain) inside.push('"');
      else if (one === '"') inside.pop();
      else if (one === "(" && (isPlain || code.endsWith("$("))) inside.push("(");
      else if (one === ")" && isPlain) inside.pop();
    }
  }
  return { code, quoted, isOpen: inside.length > 0, endsInComment };
}
