// An OpenSSH server of a test's own: a loopback port, its own keys, a scratch home, the current user.
import { execFileSync, spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { until } from "../faults/support/processes.ts";
import { findMissingPackage } from "./debian-package.ts";
import { findFreePort } from "./running-lab.ts";

const program = "/usr/sbin/sshd";

/** Why there is no sshd here. One that is installed is not started: invoke-rc.d starts nothing that runlevel 1 has not. */
export const findMissingSshd = (): string | undefined =>
  findMissingPackage("openssh-server", () => existsSync(program) && spawnSync("ssh", ["-V"]).status === 0, {
    RUNLEVEL: "1",
  });

export type SshServerOptions = {
  /** Its address; loopback unless said. */
  listen?: string;
  /** Of every session. */
  variables?: Readonly<Record<string, string>>;
  /** More of sshd_config. */
  lines?: readonly string[];
  /** Runs it: a program and operands that sshd's own command follows. */
  wrap?: readonly string[];
  port?: number;
};

export type SshServer = {
  pid: number;
  host: string;
  port: number;
  home: string;
  /** The private key that it lets in. */
  key: string;
  hostKey: string;
  log(): string;
  /** A client of this server. @param options before the host, as "-tt" or "-N" */
  connect(options: readonly string[], command: readonly string[]): ChildProcessWithoutNullStreams;
  /** The same again, with its port and its keys. */
  restart(): Promise<SshServer>;
  end(): Promise<void>;
};

/** @param folder a scratch folder that only its owner may write */
export async function startSshServer(folder: string, options: SshServerOptions = {}): Promise<SshServer> {
  const { listen = "127.0.0.1", variables = {}, lines = [], wrap = [], port: wanted } = options;
  const home = join(folder, "home");
  const [hostKey, key] = [join(folder, "host-key"), join(folder, "key")];
  mkdirSync(home, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
  for (const path of [hostKey, key])
    if (!existsSync(path)) execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
  const port = wanted ?? (await findFreePort());
  const set = Object.entries({ HOME: home, ...variables }).map(([name, text]) => `${name}="${text}"`);
  writeFileSync(
    join(folder, "sshd_config"),
    [
      `Port ${port}`,
      `ListenAddress ${listen}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${key}.pub`,
      `PidFile ${join(folder, "sshd.pid")}`,
      `SetEnv ${set.join(" ")}`,
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "PermitRootLogin prohibit-password",
      "Subsystem sftp internal-sftp",
      ...lines,
      "",
    ].join("\n"),
  );
  const [first = program, ...rest] = [...wrap, program, "-D", "-e", "-f", join(folder, "sshd_config")];
  const server = spawn(first, rest, {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  await until(
    () => log.includes("Server listening") || server.exitCode !== null,
    () => `sshd does not start: ${log}`,
  );
  if (server.exitCode !== null) throw new Error(`sshd ended: ${log}`);
  const base = [
    "-F",
    "none",
    "-i",
    key,
    "-p",
    String(port),
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    `UserKnownHostsFile=${join(folder, "known_hosts")}`,
    "-o",
    "LogLevel=ERROR",
    "-o",
    "IdentitiesOnly=yes",
  ];
  return {
    pid: server.pid ?? 0,
    host: listen,
    port,
    home,
    key,
    hostKey,
    log: () => log,
    connect: (options: readonly string[], command: readonly string[]) =>
      spawn("ssh", [...base, ...options, `${userInfo().username}@${listen}`, ...command], {
        stdio: ["pipe", "pipe", "pipe"],
      }),
    restart: (): Promise<SshServer> => startSshServer(folder, { ...options, port }),
    async end(): Promise<void> {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill("SIGTERM");
      await once(server, "exit"); // its connections may hold its stderr open
    },
  };
}
