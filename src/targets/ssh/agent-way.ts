// The agent of a host: its socket, carried here, and how it is put there and started.
import { createHash, randomUUID } from "node:crypto";
import { join } from "node:path/posix";
import { buildScope, enableLinger, showUserManager } from "../../commands/user-scope.ts";
import { SestaError } from "../../base/errors.ts";
import { explainAgentStart, type AgentWay, type Starting } from "../../machine/agent-connection.ts";
import type { Argv, Forward, Machine } from "../../machine/machine.ts";
import { ensureNode } from "../../machine/node.ts";
import type { HostPlace } from "./host-place.ts";

export type HostAgent = {
  machine: Machine;
  place(): Promise<HostPlace>;
  /** The agent's program, as one file. */
  load(): Promise<string>;
  /** For Node, before the file. */
  flags: readonly string[];
  signal: AbortSignal;
};

export function createAgentWay(host: HostAgent): AgentWay {
  const { machine } = host;
  let forward: Promise<Forward> | undefined;
  const carry = (): Promise<Forward> => {
    const made = host.place().then(({ socket }) => machine.forward({ path: socket }));
    made.catch(() => (forward = forward === made ? undefined : forward));
    return made;
  };
  /** Whether the host can be reached at all is found out first. */
  const renew = async (broken: string): Promise<void> => {
    const before = forward;
    const old = await before?.catch(() => undefined);
    if (!before || old?.path !== broken || forward !== before) return;
    forward = undefined;
    await machine.run(["true"]);
    await old.close().catch(() => undefined);
  };
  return {
    async socket(broken) {
      if (broken !== undefined) await renew(broken);
      const { path } = await (forward ??= carry());
      if (path === undefined) throw new Error(`${machine.name} carries sockets to ports`);
      return path;
    },
    start: () => start(host),
  };
}

/** The name of the agent's file, without its ending: equal programs have equal names. */
export function buildOf(program: string): string {
  return createHash("sha256").update(program).digest("hex").slice(0, 16);
}

async function start(host: HostAgent): Promise<Starting> {
  const { machine, flags, signal } = host;
  const { agent: home, cache } = await host.place();
  const [node, file] = await Promise.all([
    ensureNode({ machine, cacheFolder: cache, signal }, () => undefined),
    putAgent(host, join(cache, "agent")),
  ]);
  const starts = join(home, "starts");
  await machine.run(["sh", "-c", 'umask 077; mkdir -p -- "$0" && rm -rf -- "$1"', home, starts]);
  const argv: Argv = [node, "--disable-warning=ExperimentalWarning", ...flags, file, home];
  const logFile = join(home, "agent.log");
  const env = { NODE_COMPILE_CACHE: join(cache, "compiled") };
  let failed: SestaError | undefined;
  try {
    await machine.start(await outlastSessions(machine, argv), {
      cwd: home,
      env,
      logFile,
      claim: join(starts, randomUUID()),
    });
  } catch (error) {
    if (!(error instanceof SestaError) || error.code !== "START_FAILED") throw error;
    failed = error; // perhaps because another one runs, which then answers
  }
  return {
    hasFailed: () => failed !== undefined,
    async explain() {
      const { stdout } = await machine.run(["tail", "-n", "1", "--", logFile]);
      return explainAgentStart(stdout.trim(), `${logFile} on ${machine.name}`);
    },
  };
}

async function putAgent({ machine, load }: HostAgent, folder: string): Promise<string> {
  const program = await load();
  const name = `${buildOf(program)}.mjs`; // whatever a package.json above it says
  const path = join(folder, name);
  if ((await machine.run(["test", "-e", path])).exitCode !== 0)
    await machine.put({ [name]: program }, folder);
  return path;
}

/**
 * Where logind ends what a session leaves behind (logind.conf(5), KillUserProcesses), a scope of the user's manager
 * does not belong to the session; and the manager stays when nobody is logged in where lingering is allowed.
 */
async function outlastSessions(machine: Machine, argv: Argv): Promise<Argv> {
  const succeeds = (tried: Argv) =>
    machine.run(tried).then(
      ({ exitCode }) => exitCode === 0,
      (error: unknown) => {
        if (error instanceof SestaError && error.code === "COMMAND_MISSING") return false;
        throw error;
      },
    );
  if (!(await succeeds(showUserManager))) return argv;
  return (await succeeds(enableLinger)) ? buildScope(argv) : argv;
}
