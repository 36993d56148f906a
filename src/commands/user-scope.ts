// How a program is kept running on a machine with systemd when whoever started it logs out.

type Argv = readonly [program: string, ...operands: string[]];

/** Ends with 0 where there is a manager of the user's services. */
export const showUserManager: Argv = ["systemctl", "--user", "show-environment"];

/** The manager then runs from the machine's start to its end; for oneself this needs no password, see loginctl(1). */
export const enableLinger: Argv = ["loginctl", "enable-linger"];

/** The program takes the place of systemd-run itself, with its process id (systemd-run(1), --scope). */
export function buildScope(argv: Argv): Argv {
  return ["systemd-run", "--user", "--scope", "--quiet", "--collect", "--", ...argv];
}
