// One run of a workload's process on this machine: its folder and token, its start, its address, its end.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import { isAlive, signalGroup, type Identity } from "../machine/identity.ts";
import type { Argv, Machine } from "../machine/machine.ts";
import { findClaimed, strayMark } from "../machine/start-detached.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import { fill, type Places } from "../model/template.ts";
import type { FixedPlaces, Start } from "../state/agent-state.ts";
import type { Evidence } from "./idle.ts";
import { collectJupyterEvidence } from "./jupyter-evidence.ts";
import { send } from "./loopback.ts";
import { endStrays } from "./strays.ts";

export type StartEvents = {
  started(identity: Identity): void;
  progress(phase: string, progress: number): void;
};

export type ProcessRunner = ReturnType<typeof createProcessRunner>;

const longestLogBytes = 10 * 1024 * 1024;
const askEveryMs = 10;
const termGraceMs = 5_000;
const tailBytes = 64 * 1024;
/** Left free so that what people save while the workload runs is not cut off. */
const reserveBytes = 64 * 1024 * 1024;

/** @param home the agent's folder */
export function createProcessRunner(machine: Machine, clock: Clock, home: string) {
  const runtimeOf = (start: Start) => join(home, "run", start.startId);
  const logOf = (name: string) => join(home, "logs", `${name}.log`);

  const addressOf = (launch: Launch, start: Start): DoorAddress => {
    const token = readFileSync(join(runtimeOf(start), "token"), "utf8");
    return {
      host: "127.0.0.1",
      port: start.port,
      headers: { authorization: `${launch.door.tokenScheme} ${token}` },
    };
  };

  return {
    /** Resolves when the process answers. Called again for the same start, it finds the process of the first call. */
    async start(
      launch: Launch,
      fixed: FixedPlaces,
      start: Start,
      signal: AbortSignal,
      on: StartEvents,
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
      await prepare(machine, home, runtime, fixed, process.files);
      await turnLog(logOf(launch.name));
      const identity = await machine.start(
        process.argv.map((part) => fill(part, places)) as unknown as Argv,
        {
          cwd: fixed.workspace,
          env: {
            ...Object.fromEntries(
              Object.entries(process.env).map(([key, value]) => [key, fill(value, places)]),
            ),
            PYTHONDONTWRITEBYTECODE: undefined, // it makes every start compile everything anew
            NODE_COMPILE_CACHE: undefined, // the agent's own
            [strayMark]: start.startId,
          },
          logFile: logOf(launch.name),
          claim: runtime,
        },
      );
      on.started(identity);
      on.progress(`${launch.title} is loading`, 0.2);
      await untilAnswering(clock, launch, identity, addressOf(launch, start), runtime, signal, on);
    },

    /** The process of an earlier start, if it still lives. */
    find: (start: Start): Promise<Identity | undefined> => findClaimed(runtimeOf(start)),

    door: addressOf,

    evidence: async (launch: Launch, start: Start): Promise<Evidence[]> =>
      launch.idle.evidence === "jupyter" ? collectJupyterEvidence(addressOf(launch, start)) : [],

    /** Asks it to end, then makes it, then ends whatever it left; resolves when nothing of it runs. */
    async stop(launch: Launch, start: Start, on: (phase: string) => void): Promise<void> {
      const identity = await findClaimed(runtimeOf(start));
      if (identity) {
        on(`${launch.title} ends its kernels`);
        const runtime = runtimeOf(start);
        const bound = isBound(launch, identity, runtime) && existsSync(join(runtime, "token")); // else who has the port?
        if (bound) await askToEnd(clock, launch, identity, addressOf(launch, start));
        on(`${launch.title} is stopped`);
        const { stopPath, stopGraceMs } = launch.process;
        await makeEnd(clock, identity, stopPath === undefined ? stopGraceMs : termGraceMs);
      }
      await endStrays(clock, start.startId, termGraceMs);
      await rm(runtimeOf(start), { recursive: true, force: true });
    },

    /** The last lines that the process printed. */
    logTail: async (name: string, lines = 20): Promise<string[]> => {
      const text = await readEnd(logOf(name)).catch(() => "");
      return text
        .trimEnd()
        .split("\n")
        .slice(-lines)
        .filter((line) => line !== "");
    },

    /** Ends and takes away what starts left that the agent does not know of, so that nothing ever runs twice. */
    async sweep(known: ReadonlySet<string>): Promise<void> {
      for (const startId of await readdir(join(home, "run")).catch(() => [])) {
        if (known.has(startId)) continue;
        const runtime = join(home, "run", startId);
        const identity = await findClaimed(runtime);
        if (identity) await makeEnd(clock, identity, termGraceMs);
        await endStrays(clock, startId, termGraceMs);
        await rm(runtime, { recursive: true, force: true });
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
    throw new SestaError("ENVIRONMENT", `${fixed.environment} is gone`, {
      hint: "Run `sesta up` to make it again.",
    });
  }
  if (!existsSync(fixed.workspace)) {
    throw new SestaError("START_FAILED", `the workspace ${fixed.workspace} is missing`, {
      hint: "Put it back, or run `sesta up` to begin with an empty one.",
    });
  }
  await refuseFullDisk(machine, home);
  await refuseFullDisk(machine, fixed.workspace);
  await mkdir(join(home, "logs"), { recursive: true, mode: 0o700 });
  const token = existsSync(join(runtime, "token")) ? {} : { token: randomBytes(32).toString("base64url") };
  await machine.put({ ...files, ...token }, runtime);
}

async function refuseFullDisk(machine: Machine, folder: string): Promise<void> {
  const free = await machine.freeBytes(folder);
  if (free >= reserveBytes) return;
  throw new SestaError(
    "DISK_FULL",
    `only ${Math.round(free / 1e6)} MB are free on the disk of ${folder}; 64 MB are kept free`,
    {
      hint: "Free some space, then wake it again.",
    },
  );
}

async function readEnd(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(size, tailBytes);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString("utf8");
  } finally {
    await file.close();
  }
}

async function turnLog(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
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
  const { startTimeoutMs } = launch.process;
  const began = clock.monotonic();
  let shown = false;
  for (;;) {
    signal.throwIfAborted();
    if (!(await isAlive(identity)))
      throw new SestaError("START_FAILED", `${launch.title} ended while it started`);
    if (isBound(launch, identity, runtime)) {
      if (!shown) on.progress(`${launch.title} opens its door`, 0.9);
      shown = true;
      const status = await send("GET", address, launch.door.healthPath).catch(() => 0);
      if (status === 200) return;
    }
    const waitedMs = clock.monotonic() - began;
    if (waitedMs > startTimeoutMs) {
      throw new SestaError(
        "START_FAILED",
        `${launch.title} did not answer within ${Math.round(startTimeoutMs / 1000)} s`,
      );
    }
    await clock.sleep(askEveryMs, signal);
  }
}

function isBound({ process }: Launch, { pid }: Identity, runtime: string): boolean {
  return (
    process.boundFile === undefined ||
    existsSync(join(runtime, process.boundFile.replace("{pid}", String(pid))))
  );
}

async function askToEnd(
  clock: Clock,
  launch: Launch,
  identity: Identity,
  address: DoorAddress,
): Promise<void> {
  const { stopPath, stopGraceMs } = launch.process;
  if (stopPath === undefined) return;
  const asked = await send("POST", address, stopPath).then(
    (status) => status < 300,
    () => false,
  );
  if (asked) await untilDead(clock, identity, stopGraceMs);
}

async function makeEnd(clock: Clock, identity: Identity, graceMs: number): Promise<void> {
  if (!(await signalGroup(identity, "SIGTERM"))) return;
  if (await untilDead(clock, identity, graceMs)) return;
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
