// Which command lines are those of a shell that waits for somebody to type.

const shells = new Set([
  "sh",
  "bash",
  "dash",
  "ash",
  "zsh",
  "ksh",
  "mksh",
  "fish",
  "tcsh",
  "csh",
  "nu",
  "xonsh",
]);
/** Options whose value is the next word: of bash (--rcfile, --init-file, -O), of most (-o), of fish (-C, --init-command). */
const valued = /^(--rcfile|--init-file|--init-command|[-+][oOC])$/;

/** True for "-bash" and "bash -l"; false for "bash train.sh", "sh -c …", and for what is no shell. */
export function isInteractiveShell(args: readonly string[]): boolean {
  const [program = "", ...rest] = args;
  const name = program.replace(/^.*\//, "").replace(/^-/, "");
  if (!shells.has(name)) return false;
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? "";
    if (valued.test(word)) index += 1;
    else if (word === "--") return index + 1 === rest.length;
    else if (/^-[a-zA-Z]*c/.test(word) || word === "--command" || word.startsWith("--command=")) return false;
    else if (!/^[-+]/.test(word)) return false; // a script
  }
  return true;
}
