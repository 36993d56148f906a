// One run of a workload's process on this machine: its folder and token, its start, its address, its end.
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { buildLimited, cgroupsFile } from "../commands/replica-limits.ts";
import type { Identity } from "../machine/identity.ts";
import type { Argv, Machine } from "../machine/machine.ts";
import { findClaimed, strayMark } from "../machine/start-detached.ts";
import type { DoorAddress, MachinePlaces } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import { fill, type Places } from "../model/template.ts";
import type { Start } from "../state/agent-state.ts";
import { isBound, untilAnswering } from "./answering.ts";
import { findContainer, sweepContainers } from "./container.ts";
import { askToEnd, makeEnd, termGraceMs } from "./ending.ts";
import { prepare } from "./prepare.ts";
import { beginLog, readLogTail } from "./process-log.ts";
import { endStrays } from "../machine/strays.ts";

export type StartEvents = {
  started(identity: Identity): void;
  progress(phase: string, progress: number): void;
};

/** Of one of several processes of a workload. */
export type StartParts = {
  /** Its log, by the name of the file without its ending; the workload's own without it. */
  log?: string;
  /** Values that stand in no launch: secrets. */
  env?: Readonly<Record<string, string>>;
};

export type ProcessRunner = ReturnType<typeof createProcessRunner>;

/** @param home the agent's folder */
export function createProcessRunner(machine: Machine, clock: Clock, home: string) {
  const runtimeOf = (start: Start) => join(home, "run", start.startId);
  const logOf = (name: string) => join(home, "logs", `${name}.log`);
  const containerOf = (launch: Launch, start: Start) => findContainer(machine, home, launch, start);

  const addressOf = (launch: Launch, start: Start): DoorAddress => {
    const at = { host: "127.0.0.1", port: start.port };
    const { tokenScheme } = launch.door;
    if (tokenScheme === undefined) return { ...at, headers: {} };
    const token = readFileSync(join(runtimeOf(start), "token"), "utf8");
    return { ...at, headers: { authorization: `${tokenScheme} ${token}` } };
  };

  return {
    /** Resolves when the process answers. Called again for the same start, it finds the process of the first call. */
    async start(
      launch: Launch,
      fixed: MachinePlaces,
      start: Start,
      signal: AbortSignal,
      on: StartEvents,
      { log = launch.name, env = {} }: StartParts = {},
    ): Promise<void> {
      const { process } = launch;
      const runtime = runtimeOf(start);
      const keep = join(home, "keep", launch.name);
      const places: Places = {
        ...fixed,
        runtime,
        keep,
        port: String(start.port),
        token_file: join(runtime, "token"),
      };
      on.progress(`starting ${launch.title}`, 0.05);
      await mkdir(keep, { recursive: true, mode: 0o700 });
      const filled = Object.entries(process.env).map(([key, value]) => [key, fill(value, places)]);
      const variables = { ...(Object.fromEntries(filled) as Record<string, string>), ...env };
      const container = containerOf(launch, start);
      const order = container?.order(variables, runtime) ?? {
        argv: limit(launch, runtime, process.argv.map((part) => fill(part, places)) as unknown as Argv),
        env: variables,
        files: {},
        cwd: fixed.workspace,
      };
      await prepare(machine, home, runtime, { ...fixed, keep }, { ...process.files, ...order.files });
      if (!existsSync(join(runtime, "claimed"))) await beginLog(logOf(log), launch.title, clock.now());
      const begun = machine.start(order.argv, {
        cwd: order.cwd,
        env: {
          ...order.env,
          PYTHONDONTWRITEBYTECODE: undefined, // it makes every start compile everything anew
          NODE_COMPILE_CACHE: undefined, // the agent's own
          [strayMark]: start.startId,
        },
        logFile: logOf(log),
        claim: runtime,
      });
      const identity = await begun.catch((error: unknown) => {
        throw launch.service ? nameIt(error, launch.title) : error;
      });
      on.started(identity);
      on.progress(`${launch.title} is loading`, 0.2);
      const bound = () => on.progress(`${launch.title} opens its door`, 0.9);
      const address = addressOf(launch, start);
      await untilAnswering({ clock, launch, identity, address, runtime, container, bound }, signal);
    },

    /** Undefined for what runs as a process. */
    container: containerOf,

    /** The process of an earlier start, if it still lives. */
    find: (start: Start): Promise<Identity | undefined> => findClaimed(runtimeOf(start)),

    door: addressOf,

    /** Asks it to end, then makes it, then ends whatever it left; resolves when nothing of it runs. */
    async stop(launch: Launch, start: Start, on: (phase: string) => void): Promise<void> {
      const container = containerOf(launch, start);
      await container?.stop(launch.process.stopGraceMs); // it lives without the process that stands for it
      const identity = await findClaimed(runtimeOf(start));
      if (identity) {
        on(`${launch.title} ends its ${launch.type === "lab" ? "kernels" : "requests"}`);
        const runtime = runtimeOf(start);
        const bound = isBound(launch, identity, runtime) && existsSync(join(runtime, "token")); // else who has the port?
        if (bound) await askToEnd(clock, launch, identity, addressOf(launch, start));
        on(`${launch.title} is stopped`);
        const { stopPath, stopGraceMs } = launch.process;
        const asksItself = stopPath === undefined && !container;
        await makeEnd(clock, identity, asksItself ? stopGraceMs : termGraceMs);
      }
      await endStrays(clock, start.startId, termGraceMs);
      await container?.remove(); // last: until then something could still have made it
      await removeRuntime(runtimeOf(start));
    },

    /** The last lines that the process printed. */
    logTail: (name: string) => readLogTail(logOf(name)),

    /**
     * Ends and takes away what starts left that the agent does not know of, so that nothing ever runs twice.
     * @param engines of containers that there may be
     */
    async sweep(known: ReadonlySet<string>, engines: readonly (readonly string[])[] = []): Promise<void> {
      for (const startId of await readdir(join(home, "run")).catch(() => [])) {
        if (known.has(startId)) continue;
        const runtime = join(home, "run", startId);
        const identity = await findClaimed(runtime);
        if (identity) await makeEnd(clock, identity, termGraceMs);
        await endStrays(clock, startId, termGraceMs);
        await removeRuntime(runtime);
      }
      await sweepContainers(machine, home, engines, known);
    },
  };
}

/** A container is held to its limits by its engine. */
function limit({ service }: Launch, runtime: string, argv: Argv): Argv {
  return service ? buildLimited(argv, runtime, service) : argv;
}

/** The folder of a start, and the cgroups that were made for it. */
async function removeRuntime(runtime: string): Promise<void> {
  const cgroups = await readFile(join(runtime, cgroupsFile), "utf8").catch(() => "");
  for (const cgroup of cgroups.split("\n").filter((line) => line !== ""))
    await rmdir(cgroup).catch(() => undefined);
  await rm(runtime, { recursive: true, force: true });
}

/** The service's name in place of the program's, which is `sh` for all of them. */
function nameIt(error: unknown, title: string): unknown {
  if (!(error instanceof SestaError) || error.code !== "START_FAILED") return error;
  return new SestaError("START_FAILED", error.message.replace(/^.*?(?= (?:ended|was) )/, title), {
    cause: error,
  });
}
