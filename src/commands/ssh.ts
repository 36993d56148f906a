// The system's OpenSSH as commands: the shared connection, what goes over it, and how a host's key is looked at.
import type { HostSection } from "../model/target-section.ts";

type Argv = readonly [program: string, ...operands: string[]];

/** A host, and where this project keeps what ssh needs for it. All paths are absolute. */
export type SshRoute = {
  host: HostSection;
  /** Its private key, when the project names one. */
  keyFile?: string | undefined;
  knownHosts: string;
  controlPath: string;
  /** Read in place of the user's own configuration. */
  configFile?: string | undefined;
  /** Whether ssh may ask on the terminal: for a passphrase, a PIN, a password. */
  ask: boolean;
};

/** After three unanswered ones the line is dead: 27 s. */
const aliveIntervalS = 9;
const connectTimeoutS = 15;
/** How long a connection that nobody uses is kept, in seconds. */
const persistS = 600;
/**
 * Settings by which no command of the user's configuration vouches for a key. OpenSSH before 8.5 has no such option and
 * refuses to start, unless it is to ignore what it does not know. Only the first IgnoreUnknown counts, so this one is
 * wide enough to hold the user's own, which many have for macOS's UseKeychain.
 */
export const noKnownHostsCommand = ["IgnoreUnknown=*", "KnownHostsCommand=none"] as const;

/** The connection that commands share. ssh goes into the background by itself when it stands. */
export function buildMaster(route: SshRoute): Argv {
  return [
    ...ssh(route),
    ...options("ControlMaster=yes", `ControlPersist=${persistS}`, "ClearAllForwardings=yes"),
    "-S",
    percent(route.controlPath),
    "-N",
    "-T",
    ...destination(route.host),
  ];
}

/** Whether ssh said that the shared connection took no command: nothing of it has begun. */
export function isNotOpened(stderr: string): boolean {
  return /UNKNOWN port 65535|kex_exchange_identification|banner exchange|Session open refused/.test(stderr);
}

type CommandOptions = {
  tty?: boolean;
  /** Over a connection of its own where the shared one takes no more; see `isNotOpened`. */
  alone?: boolean;
};

/** A command over the shared connection. @param command undefined: what comes behind, or a login shell */
export function buildCommand(
  route: SshRoute,
  command: string | undefined,
  { tty = false, alone = false }: CommandOptions = {},
): Argv {
  return [
    ...ssh(route),
    ...options("ControlMaster=no", "ClearAllForwardings=yes"),
    ...(alone ? [] : options("ProxyCommand=false")),
    "-S",
    percent(route.controlPath),
    tty ? "-t" : "-T",
    ...destination(route.host),
    ...(command === undefined ? [] : [command]),
  ];
}

/** The same as the value of rsync's `-e`, which splits it at spaces outside of quotes; the host comes behind it. */
export function buildRsyncShell(route: SshRoute): string {
  const argv = buildCommand(route, undefined).slice(0, -1);
  return argv
    .map((word) => (/^[\w./=:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "''")}'`))
    .join(" ");
}

export type ForwardRequest = { flag: "-L" | "-R"; from: ForwardEnd; to: ForwardEnd };
type ForwardEnd = { port: number } | { path: string };

/** Asks the shared connection. The user's configuration says nothing here: its own forwards would be asked for too. */
export function buildControl(
  route: SshRoute,
  what: "exit" | "forward" | "cancel",
  forward?: ForwardRequest,
): Argv {
  const spec = forward === undefined ? [] : [forward.flag, `${end(forward.from)}:${end(forward.to)}`];
  return [
    "ssh",
    "-F",
    "none",
    "-S",
    percent(route.controlPath),
    "-O",
    what,
    ...options("LogLevel=ERROR"),
    ...spec,
    ...destination(route.host),
  ];
}

/** Shows the host's key and logs in nowhere: it fails, and `file` then holds the key. */
export function buildKeyProbe(route: SshRoute, file: string): Argv {
  return [
    ...ssh({ ...route, knownHosts: file, ask: false }, "accept-new"),
    ...options("ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes", "HashKnownHosts=no"),
    ...options("PreferredAuthentications=none", "PubkeyAuthentication=no", "GSSAPIAuthentication=no"),
    "-T",
    ...destination(route.host),
    "exit",
  ];
}

/** What ssh itself makes of the host: `hostname`, `port`, `userknownhostsfile` and more, a line each. */
export function buildLookup({ host, configFile }: SshRoute): Argv {
  return ["ssh", ...(configFile === undefined ? [] : ["-F", configFile]), "-G", ...destination(host)];
}

/** Why ssh is not given this host; undefined when it may be (T9). */
export function findHostProblem({ name, host, user }: HostSection): string | undefined {
  if (!/^[\w:[][\w.:@\]-]*$/.test(name)) return `"${name}" cannot be the name of a host`;
  if (!/^(?:\w[\w.:-]*|\[?[\da-fA-F:.]+\]?|::[\da-fA-F:.]+)$/.test(host)) return `"${host}" is no host`;
  if (user !== undefined && !/^\w[\w.@+-]*$/.test(user)) return `"${user}" is no user's name`;
  return undefined;
}

function ssh({ host, knownHosts, keyFile, configFile, ask }: SshRoute, checking = "yes"): Argv {
  return [
    "ssh",
    ...(configFile === undefined ? [] : ["-F", configFile]),
    ...options(
      `BatchMode=${ask ? "no" : "yes"}`,
      `ConnectTimeout=${connectTimeoutS}`,
      `ServerAliveInterval=${aliveIntervalS}`,
      "ServerAliveCountMax=2",
      `UserKnownHostsFile=${value(knownHosts)}`,
      "GlobalKnownHostsFile=/dev/null",
      `StrictHostKeyChecking=${checking}`,
      `HostKeyAlias=${host.name}`,
      "UpdateHostKeys=no",
      "CheckHostIP=no",
      "VerifyHostKeyDNS=no",
      ...noKnownHostsCommand,
      "RemoteCommand=none",
      "ForwardX11=no",
      "LogLevel=ERROR",
    ),
    ...(keyFile === undefined ? [] : options(`IdentityFile=${value(keyFile)}`, "IdentitiesOnly=yes")),
  ];
}

/** @throws Error for what the project file should have refused */
function destination(host: HostSection): string[] {
  const problem = findHostProblem(host);
  if (problem !== undefined) throw new Error(problem);
  return [
    ...(host.port === undefined ? [] : ["-p", String(host.port)]),
    ...(host.user === undefined ? [] : ["-l", host.user]),
    "--",
    host.host,
  ];
}

function options(...settings: string[]): string[] {
  return settings.flatMap((setting) => ["-o", setting]);
}

/** As ssh_config(5) reads the value of an option: quoted, and `%` begins a token. */
function value(path: string): string {
  return `"${percent(path).replaceAll(/["\\]/g, "\\$&")}"`;
}

function percent(path: string): string {
  return path.replaceAll("%", "%%");
}

function end(at: ForwardEnd): string {
  return "port" in at ? `127.0.0.1:${at.port}` : percent(at.path).replaceAll(/[\\:]/g, "\\$&");
}
