// The container of one start of a service: how it is begun, what it says of itself, and its end.
import { join } from "node:path";
import { buildEnvFile, buildListOwn, buildReplicaRun } from "../commands/replica-container.ts";
import { findOpenPorts, type OpenPort } from "../machine/listening.ts";
import type { Argv, Machine } from "../machine/machine.ts";
import type { Launch } from "../model/launch.ts";
import type { ContainerCall } from "../model/release.ts";
import { formatSize } from "../model/size.ts";
import type { Start } from "../state/agent-state.ts";

export type Container = {
  appPort: number;
  call: ContainerCall;
  /** What starts it; its program is the process that stands for the container. @param runtime the folder of the start */
  order(env: Readonly<Record<string, string>>, runtime: string): ContainerOrder;
  isRunning(): Promise<boolean>;
  /** Where something listens in its network; undefined where the system does not tell. */
  listens(): Promise<readonly OpenPort[] | undefined>;
  /** Why it ended. @param kills whether the system ended something for want of memory while it ran */
  explainEnd(kills: boolean): Promise<string>;
  /** TERM, or what its image asks for instead, then KILL. */
  stop(graceMs: number): Promise<void>;
  /** Nothing of it is there any more, whatever state it was in. */
  remove(): Promise<void>;
};

export type ContainerOrder = {
  argv: Argv;
  /** Of the engine's own program. */
  env: Record<string, string>;
  /** For the folder of the start, readable by its owner only. */
  files: Record<string, string>;
  cwd: string;
};

const envName = "container.env";
const prefix = "sesta-";
const askMs = 30_000;

/** @param home the agent's folder. @returns undefined for what runs as a process */
export function findContainer(
  machine: Machine,
  home: string,
  launch: Launch,
  start: Start,
): Container | undefined {
  const { container, memoryBytes = null, cpus = null } = launch.service ?? {};
  if (!container) return undefined;
  const { engine, image, appPort, init } = container;
  const name = `${prefix}${start.startId}`;
  const ask = (operands: readonly string[], timeoutMs = askMs) =>
    askEngine(machine, engine, operands, timeoutMs);
  const inspect = async () => {
    const format = "{{.State.Running}} {{.State.Pid}} {{.State.OOMKilled}} {{.State.ExitCode}}";
    const said = await ask(["inspect", "--type=container", `--format=${format}`, name]);
    const [running, pid, oom, code] = (said ?? "").trim().split(" ");
    return running === undefined || running === ""
      ? undefined
      : { isRunning: running === "true", pid: Number(pid), isOom: oom === "true", code: Number(code) };
  };
  return {
    appPort,
    call: { engine, name },
    order(env, runtime) {
      const { text, passed } = buildEnvFile({ ...env, PORT: String(appPort) });
      const argv = buildReplicaRun({
        engine,
        image,
        name,
        owner: home,
        envFile: join(runtime, envName),
        passed: Object.keys(passed),
        port: start.port,
        appPort,
        init,
        memoryBytes,
        cpus,
      });
      return { argv: argv as unknown as Argv, env: passed, files: { [envName]: text }, cwd: runtime };
    },
    isRunning: async () => (await inspect())?.isRunning ?? false,
    async listens() {
      const found = await inspect();
      return found?.isRunning ? findOpenPorts(found.pid) : undefined;
    },
    async explainEnd(kills) {
      const found = await inspect();
      if (!found) return "its container could not be started";
      if (found.isRunning) return "what connects its container to Sesta was ended";
      // Podman with cgroups of version 1 does not always know: 137 is what a KILL leaves.
      if (!found.isOom && !(kills && found.code === 137))
        return `its container ended with exit code ${found.code}`;
      const limit = memoryBytes === null ? "there was" : `its limit of ${formatSize(memoryBytes)}`;
      return `OOM: its container took more memory than ${limit} (exit code ${found.code})`;
    },
    async stop(graceMs) {
      const seconds = Math.ceil(graceMs / 1000);
      await ask(["stop", "-t", String(seconds), name], graceMs + askMs);
    },
    remove: () => removeContainers(machine, engine, [name]),
  };
}

/** Ends what starts left that nobody knows of. @param known ids of starts */
export async function sweepContainers(
  machine: Machine,
  home: string,
  engines: readonly (readonly string[])[],
  known: ReadonlySet<string>,
): Promise<void> {
  const different = new Map(engines.map((engine) => [engine.join(" "), engine]));
  for (const engine of different.values()) {
    const names = ((await askEngine(machine, engine, buildListOwn(home))) ?? "").split("\n");
    const lost = names.filter((name) => name.startsWith(prefix) && !known.has(name.slice(prefix.length)));
    if (lost.length > 0) await removeContainers(machine, engine, lost);
  }
}

/** One that still runs has the engine's own time to end. */
async function removeContainers(
  machine: Machine,
  engine: readonly string[],
  names: readonly string[],
): Promise<void> {
  const remove = () => askEngine(machine, engine, ["rm", "-f", "-v", ...names]);
  if ((await remove()) === undefined) await remove();
}

/** What it printed; undefined where it refused or does not answer. */
export async function askEngine(
  machine: Machine,
  engine: readonly string[],
  operands: readonly string[],
  timeoutMs = askMs,
): Promise<string | undefined> {
  const argv = [...engine, ...operands] as unknown as Argv;
  const ran = await machine.run(argv, { timeoutMs }).catch(() => undefined);
  return ran?.exitCode === 0 ? ran.stdout : undefined;
}
