// Commands as a host's login shell gets them: one fixed line for every shell, and all that matters by standard input.
import { quoteWord, quoteWords } from "./shell-words.ts";

type Argv = readonly [program: string, ...operands: string[]];

export type RemoteCommand = {
  argv: Argv;
  cwd?: string | undefined;
  /** `undefined` removes a variable. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Begins every marker; nobody else knows it. */
  nonce: string;
};

// sh, bash, zsh, fish and csh read it alike: inside the quotes stand no quote, backslash, exclamation mark or new line.
const loader = 'IFS= read -r sesta_line && eval "$(printf %b "$sesta_line")"';

/**
 * The command that a login shell gets: it reads one line, decodes it, and does what it says; the rest of standard input
 * is the program's own. So nothing of it stands in a process list.
 * @param mark a variable as NAME=VALUE, in the command line and in the environment of all below it
 */
export function buildLoader(mark: string): string {
  return `exec env ${mark} sh -c '${loader}'`;
}

/**
 * The line for it. On stderr come `NONCE begin PID`, where PID leads the group, then `NONCE end CODE`, or `NONCE cwd 1`
 * when there is no such folder, or `NONCE exec 126|127` when the program cannot be run; on stdout first `NONCE`, and at
 * the program's end `endMark`.
 */
export function buildLine({ argv, cwd, env = {}, nonce }: RemoteCommand): string {
  const script = [
    `echo ${nonce}; echo "${nonce} begin $$" >&2`,
    "trap : HUP INT TERM", // what a stop ends is the program; this shell tells its exit code
    ...(cwd === undefined
      ? []
      : [`cd ${quotePath(cwd)} 2>/dev/null || { echo "${nonce} cwd 1" >&2; exit 1; }`]),
    ...buildVariables(env),
    "exec 3>&2 2>/dev/null", // a shell tells of a killed program, with the whole command
    `( trap 'echo "${nonce} exec $?" >&2' 0; ${isThere(argv)} || exit 127; exec ${quoteWords(argv)} ) 2>&3 3>&-`,
    "code=$?; [ $code -le 255 ] || code=$((code - 128))", // ksh93 counts a signal from 256 on
    `echo "${nonce} end $code" >&3`,
    `echo "${endMark(nonce).trimEnd()}"`,
  ].join("\n");
  return `${encode(script)}\n`;
}

/** It begins with a byte at which hardly any output ends: what could be its beginning is kept back. */
export function endMark(nonce: string): string {
  return `\u001e${nonce}\n`;
}

/** A command line for a terminal: the operands stand in process lists, so they hold no secret. */
export function buildTerminalCommand(argv: Argv | undefined, cwd: string | undefined): string {
  const script = [
    ...(cwd === undefined ? [] : [`cd ${quotePath(cwd)} || exit 1`]),
    argv === undefined ? 'exec "${SHELL:-sh}" -l' : `exec ${quoteWords(argv)}`,
  ].join("\n");
  return `exec sh -c 'eval "$(printf %b "$0")"' '${encode(script)}'`;
}

/** Asked beforehand too: zsh and ksh93 run no trap when `exec` fails. */
function isThere([program]: Argv): string {
  return `command -v ${quoteWord(program)} >/dev/null 2>&1`;
}

/** A path that no program takes for an option. */
export function quotePath(path: string): string {
  return quoteWord(path.startsWith("/") ? path : `./${path}`);
}

/** As `printf %b` of POSIX reads it: ASCII alone, no quote, no new line. */
export function encode(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replaceAll(/[^\w./=:,@%+ -]/g, (byte) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

function buildVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).map(([name, text]) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) throw new Error(`"${name}" is no name of a variable`);
    return text === undefined ? `unset ${name}` : `export ${name}=${quoteWord(text)}`;
  });
}
