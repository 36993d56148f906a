// A generated file says in its head what it is, and by a digest whether somebody has edited it since.
import { createHash } from "node:crypto";

const digestLine = /^# sesta-export: sha256:([0-9a-f]{64})\n/m;

/** @param from where it comes from, in words */
export function signFile(text: string, from: string): string {
  return [
    `# Written by \`sesta pipeline export github\` from ${from}.`,
    "# Change sesta.yaml and export again: what is edited here is not written over, and the next export refuses.",
    `# sesta-export: sha256:${digest(text)}`,
    "",
    text,
  ].join("\n");
}

/** `own`: as it was written. `edited`: by somebody since. `foreign`: never written by Sesta. */
export function judgeFile(content: string): "own" | "edited" | "foreign" {
  const found = digestLine.exec(content);
  if (!found) return "foreign";
  const text = content.slice(found.index + found[0].length).replace(/^\n/, "");
  return digest(text) === found[1] ? "own" : "edited";
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
