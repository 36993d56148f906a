// One run of a workload's process on this machine: its folder and token, its start, its address, its end.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import { isAlive, signalGroup, type Identity } from "../machine/identity.ts";
import type { Argv, Machine } from "../machine/machine.ts";
import { findClaimed } from "../machine/start-detached.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import { fill, type Places } from "../model/template.ts";
import type { FixedPlaces, Start } from "../state/agent-state.ts";
import type { Evidence } from "./idle.ts";
import { collectJupyterEvidence } from "./jupyter-evidence.ts";
import { send } from "./loopback.ts";
import { endStrays, strayMark } from "./strays.ts";

export type StartEvents = {
  started(identity: Identity): void;
  progress(phase: string, progress: number): void;
};

export type ProcessRunner = ReturnType<typeof createProcessRunner>;

const longestLogBytes = 10 * 1024 * 1024;
const askEveryMs = 10;
const termGraceMs = 5_000;

/** @param home the agent's folder */
export function createProcessRunner(machine: Machine, clock: Clock, home: string) {
  const runtimeOf = (start: Start) => join(home, "run", start.startId);
  const logOf = (name: string) => join(home, "logs", `${name}.log`);

  const addressOf = (launch: Launch, start: Start): DoorAddress => {
    const token = readFileSync(join(runtimeOf(start), "token"), "utf8");
    return { host: "127.0.0.1", port: start.port, headers: { authorization: `${launch.door.tokenScheme} ${token}` } };
  };

  return {
    /** Resolves when the process answers. Called again for the same start, it finds the process of the first call. */
    async start(launch: Launch, fixed: FixedPlaces, start: Start, signal: AbortSignal, on: StartEvents): Promise<void> {
      const { process } = launch;
      const runtime = runtimeOf(start);
      const keep = join(home, "keep", launch.name);
      const places: Places = { ...fixed, runtime, keep, port: String(start.port), token_file: join(runtime, "token") };
      on.progress(`starting ${launch.title}`, 0.05);
      await mkdir(keep, { recursive: true, mode: 0o700 });
      await prepare(machine, home, runtime, fixed, process.files);
      await turnLog(logOf(launch.name));
      const identity = await machine.start(process.argv.map((part) => fill(part, places)) as unknown as Argv, {
        cwd: fixed.workspace,
        env: {
          ...Object.fromEntries(Object.entries(process.env).map(([key, value]) => [key, fill(value, places)])),
          PYTHONDONTWRITEBYTECODE: undefined, // it makes every start compile everything anew
          [strayMark]: start.startId,
        },
        logFile: logOf(launch.name),
        claim: runtime,
      });
      on.started(identity);
      on.progress(`${launch.title} is loading`, 0.2);
      await untilAnswering(clock, launch, identity, addressOf(launch, start), runtime, signal, on);
    },

    /** The process of an earlier start, if it still lives. */
    find: (start: Start): Promise<Identity | undefined> => findClaimed(runtimeOf(start)),

    door: addressOf,

    evidence: async (launch: Launch, start: Start, since: number): Promise<Evidence[]> =>
      launch.idle.evidence === "jupyter" ? collectJupyterEvidence(addressOf(launch, start), since) : [],

    /** Asks it to end, then makes it, then ends whatever it left; resolves when nothing of it runs. */
    async stop(launch: Launch, start: Start, on: (phase: string) => void): Promise<void> {
      const identity = await findClaimed(runtimeOf(start));
      if (identity) {
        on(`${launch.title} ends its kernels`);
        await askToEnd(clock, launch, identity, () => addressOf(launch, start));
        on(`${launch.title} is stopped`);
        await makeEnd(clock, identity);
      }
      await endStrays(clock, start.startId, termGraceMs);
      await rm(runtimeOf(start), { recursive: true, force: true });
    },

    /** The last lines that the process printed. */
    logTail: async (name: string, lines = 20): Promise<string[]> => {
      const text = await readFile(logOf(name), "utf8").catch(() => "");
      return text.trimEnd().split("\n").slice(-lines).filter((line) => line !== "");
    },

    /** Takes away what starts left that the agent no longer knows of. */
    async sweep(known: ReadonlySet<string>): Promise<void> {
      for (const name of await readdir(join(home, "run")).catch(() => [])) {
        if (!known.has(name)) await rm(join(home, "run", name), { recursive: true, force: true });
      }
    },
  };
}

async function prepare(
  machine: Machine,
  home: string,
  runtime: string,
  fixed: FixedPlaces,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (!existsSync(fixed.environment)) {
    throw new SestaError("ENVIRONMENT", `${fixed.environment} is gone`, { hint: "Run `sesta up` to make it again." });
  }
  if (!existsSync(fixed.workspace)) {
    throw new SestaError("START_FAILED", `the workspace ${fixed.workspace} is missing`, {
      hint: "Put it back, or run `sesta up` to begin with an empty one.",
    });
  }
  await mkdir(join(home, "logs"), { recursive: true, mode: 0o700 });
  const token = existsSync(join(runtime, "token")) ? {} : { token: randomBytes(32).toString("base64url") };
  await machine.put({ ...files, ...token }, runtime);
}

async function turnLog(path: string): Promise<void> {
  const size = await stat(path).then((found) => found.size, () => 0);
  if (size > longestLogBytes) await rename(path, `${path}.1`);
}

/**
 * A port can be taken by anybody, so an answer alone proves nothing:
 * the file that our own process writes after it has bound the port must be there first.
 */
async function untilAnswering(
  clock: Clock,
  launch: Launch,
  identity: Identity,
  address: DoorAddress,
  runtime: string,
  signal: AbortSignal,
  on: StartEvents,
): Promise<void> {
  const { boundFile, startTimeoutMs } = launch.process;
  const began = clock.monotonic();
  const bound = boundFile && join(runtime, boundFile.replace("{pid}", String(identity.pid)));
  let shown = false;
  for (;;) {
    signal.throwIfAborted();
    if (!(await isAlive(identity))) throw new SestaError("START_FAILED", `${launch.title} ended while it started`);
    if (bound === undefined || existsSync(bound)) {
      if (!shown) on.progress(`${launch.title} opens its door`, 0.9);
      shown = true;
      const status = await send("GET", address, launch.door.healthPath).catch(() => 0);
      if (status === 200) return;
    }
    const waitedMs = clock.monotonic() - began;
    if (waitedMs > startTimeoutMs) {
      throw new SestaError("START_FAILED", `${launch.title} did not answer within ${Math.round(startTimeoutMs / 1000)} s`);
    }
    await clock.sleep(askEveryMs, signal);
  }
}

async function askToEnd(clock: Clock, launch: Launch, identity: Identity, address: () => DoorAddress): Promise<void> {
  const { stopPath, stopGraceMs } = launch.process;
  const asked = stopPath !== undefined && (await send("POST", address(), stopPath).then((status) => status < 300, () => false));
  if (!asked) await signalGroup(identity, "SIGTERM");
  await untilDead(clock, identity, stopGraceMs);
}

async function makeEnd(clock: Clock, identity: Identity): Promise<void> {
  if (!(await signalGroup(identity, "SIGTERM"))) return;
  if (await untilDead(clock, identity, termGraceMs)) return;
  await signalGroup(identity, "SIGKILL");
  await untilDead(clock, identity, termGraceMs);
}

async function untilDead(clock: Clock, identity: Identity, longestMs: number): Promise<boolean> {
  const began = clock.monotonic();
  while (await isAlive(identity)) {
    if (clock.monotonic() - began > longestMs) return false;
    await clock.sleep(20);
  }
  return true;
}
