// Hosts for jobs: real sshds on loopback, each with a home of its own, as the project file names them.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { endAll, killHard } from "../faults/support/processes.ts";
import { startSshServer, type SshServer } from "./ssh-server.ts";
import { packageVariables } from "./ssh-target.ts";

export type JobHosts = {
  folder: string;
  servers: SshServer[];
  /** For `hosts:` in the project file. */
  shown: string[];
  /** The server goes away with its connections; what runs there goes on. */
  cut(index: number): Promise<void>;
  restore(index: number): Promise<void>;
  end(): Promise<void>;
};

/** As two machines have it; what runs on such a host ends with its server. */
const ownProcesses = ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child"];

/** Why hosts cannot have processes of their own here. */
export function findMissingUnshare(): string | undefined {
  const [program = "", ...operands] = ownProcesses;
  return spawnSync(program, [...operands, "true"]).status === 0
    ? undefined
    : "unshare can give no host processes of its own here";
}

/**
 * @param names of the hosts, which are at 127.0.0.1 and the addresses that follow
 * @param apart whether none sees the processes of another
 */
export async function createJobHosts(
  names: readonly string[],
  { variables = {}, apart = false }: { variables?: Readonly<Record<string, string>>; apart?: boolean } = {},
): Promise<JobHosts> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-hosts-"));
  const servers: SshServer[] = [];
  const get = (index: number) => {
    const server = servers[index];
    if (!server) throw new Error(`no server ${index}`);
    return server;
  };
  for (const [index, name] of names.entries()) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    servers.push(
      await startSshServer(join(folder, name), {
        listen: `127.0.0.${index + 1}`,
        variables: { ...packageVariables(), ...variables },
        ...(apart && { wrap: ownProcesses }),
      }),
    );
  }
  const { username } = userInfo();
  return {
    folder,
    servers,
    shown: servers.map(
      ({ host, port, key }, index) =>
        `{ name: ${names[index]}, host: ${host}, port: ${port}, user: ${username}, key: ${key} }`,
    ),
    async cut(index) {
      const server = get(index);
      const connections = listChildren(server.pid);
      await server.end();
      for (const pid of connections) await killHard(pid).catch(() => undefined);
    },
    async restore(index) {
      servers[index] = await get(index).restart();
    },
    async end() {
      for (const server of servers) {
        if (apart) process.kill(server.pid, "SIGKILL"); // unshare ignores what its child is to obey
        await server.end();
      }
      await endAll(folder);
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

function listChildren(parent: number): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=", "--ppid", String(parent)], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [Number(line)]));
}
