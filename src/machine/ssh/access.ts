// A host as one project reaches it: where its key is pinned, and where the connection that its processes share is.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { SshRoute } from "../../commands/ssh.ts";
import type { HostSection } from "../../model/target-section.ts";
import { socketPath } from "../control-socket.ts";
import type { Argv } from "../machine.ts";

export type SshAccess = {
  host: HostSection;
  /** The project's, absolute: keys are relative to it. */
  folder: string;
  /** Where Sesta keeps what is the project's: pinned keys, sockets. */
  stateFolder: string;
  env: Readonly<Record<string, string | undefined>>;
  /** In place of the user's own ssh configuration. */
  configFile?: string | undefined;
  /** ssh may ask for a passphrase or a PIN on the terminal. */
  ask?: boolean | undefined;
};

// ssh makes its socket under the path with a dot and 16 more characters, and then renames it (mux.c, muxserver_listen).
const addedBytes = 17;

/** Everything that would make another connection of it is in the socket's name. */
export function resolveRoute({ host, folder, stateFolder, env, configFile, ask }: SshAccess): SshRoute {
  const keyFile = host.key === undefined ? undefined : resolve(folder, atHome(host.key, env));
  const identity = JSON.stringify([host.name, host.host, host.port, host.user, keyFile, configFile]);
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 12);
  return {
    host,
    keyFile,
    knownHosts: join(stateFolder, "known_hosts"),
    controlPath: socketPath(stateFolder, `ssh-${digest}`, addedBytes),
    configFile,
    ask: ask ?? false,
  };
}

/** The variables of every ssh: without a terminal it asks in no window either. */
export function buildSshEnv(access: SshAccess): NodeJS.ProcessEnv {
  return { ...access.env, ...(access.ask !== true && { SSH_ASKPASS_REQUIRE: "never" }) };
}

/** A short command of ssh's, on this machine, to its end. Never rejects: a program that is missing is exit code 127. */
export function runHere(
  [program, ...operands]: Argv,
  env: NodeJS.ProcessEnv,
): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, operands, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", (error) => resolve({ exitCode: 127, stdout, stderr: String(error) }));
    child.once("close", (code) => resolve({ exitCode: code ?? 128, stdout, stderr }));
  });
}

function atHome(path: string, env: SshAccess["env"]): string {
  return path.startsWith("~/") ? join(env["HOME"] ?? homedir(), path.slice(2)) : path;
}
