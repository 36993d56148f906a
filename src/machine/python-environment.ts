// Makes a Python environment on a machine: Sesta's locked packages first, then the user's, constrained by them.
import { basename, dirname, join } from "node:path";
import { buildLockedInstall, buildVenv, findUserInstall, uvVariables } from "../commands/uv.ts";
import { SestaError } from "../base/errors.ts";
import type { PythonEnvironment } from "../model/launch.ts";
import type { Argv, Machine } from "./machine.ts";
import { holdOnMachine } from "./hold.ts";
import type { Host } from "./host.ts";
import { ensureUv } from "./uv.ts";

type EnvironmentMaker = {
  machine: Machine;
  cacheFolder: string;
  signal: AbortSignal;
  /** Where other computers or projects may make the same environment at the same time. */
  shared?: Host | undefined;
};

type Wanted = PythonEnvironment & { compile?: boolean };

/** Its presence says that the environment is whole; it is written last, and says where that was. */
export const completeMark = ".complete";

const neededBytes = 1_000_000_000;

/**
 * Does nothing where the environment is complete; one that was interrupted is made anew.
 * @param environment the folder; its last part names its content
 * @throws SestaError ENVIRONMENT with uv's own words, DISK_FULL, UV_MISSING, PYTHON_MISSING
 */
export async function makePythonEnvironment(
  maker: EnvironmentMaker,
  wanted: Wanted,
  environment: string,
  detail: (text: string) => void,
): Promise<void> {
  const { machine, shared, signal } = maker;
  if (await isComplete(machine, environment)) return detail("unchanged");
  if (!shared) return make(maker, wanted, environment, detail);
  const onWait = () => detail("waiting: somebody else makes the same environment");
  await holdOnMachine(shared, basename(environment), { signal, onWait }, async () => {
    if (await isComplete(machine, environment)) return detail("unchanged");
    await make(maker, wanted, environment, detail);
  });
}

async function make(
  maker: EnvironmentMaker,
  wanted: Wanted,
  environment: string,
  detail: (text: string) => void,
): Promise<void> {
  const { machine, cacheFolder } = maker;
  await refuseFullDisk(machine, environment);
  const uv = await ensureUv(machine, cacheFolder, detail);
  const lock = join(environment, "sesta-lock.txt");
  detail("looking for Python");
  await runUv(maker, buildVenv(uv, wanted.python, environment), "Python was not found", detail);
  await machine.put(
    { "sesta-lock.txt": wanted.locked, "sesta-requirements.txt": wanted.requirements.join("\n") },
    environment,
  );
  if (wanted.locked !== "") {
    detail("installing");
    await runUv(
      maker,
      buildLockedInstall(uv, environment, lock, wanted.compile),
      "The pinned packages could not be installed",
      detail,
    );
  }
  const own = findUserInstall(uv, environment, lock, {
    packages: wanted.packages,
    ...(wanted.requirements.length > 0 && { requirementsFile: join(environment, "sesta-requirements.txt") }),
  });
  if (own) {
    detail("installing your packages");
    await runUv(maker, own, "Your packages could not be installed", detail);
  }
  await machine.put({ [completeMark]: environment }, environment);
  detail(environment);
}

/** Its programs name the folder that they were made in: in one that was moved or copied since, none starts. */
export async function isComplete(machine: Machine, environment: string): Promise<boolean> {
  const script = `made=$(cat "$1/${completeMark}" 2>/dev/null) || exit 1; [ -z "$made" ] || [ "$made" -ef "$1" ]`;
  return (await machine.run(["sh", "-c", script, "sh", environment])).exitCode === 0;
}

async function runUv(
  maker: EnvironmentMaker,
  argv: Argv,
  failure: string,
  detail: (text: string) => void,
): Promise<void> {
  const ran = await maker.machine.run(argv, {
    env: uvVariables,
    signal: maker.signal,
    onLine: (line) => detail(line.trim()),
  });
  if (ran.exitCode === 0) return;
  const words = ran.stderr
    .trim()
    .split("\n")
    .filter((line) => line.trim() !== "");
  throw new SestaError("ENVIRONMENT", failure, {
    problems: words.slice(-12),
    hint: /no interpreter found|No download found|python-build-standalone/i.test(ran.stderr)
      ? "Install that Python, or name another with `python:` in sesta.yaml."
      : "Change `packages` or `requirements` in sesta.yaml, or check the connection to the package index.",
  });
}

/** Of the disk of a folder that may not be there yet. */
async function findFreeBytes(machine: Machine, folder: string): Promise<number> {
  try {
    return await machine.freeBytes(folder);
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return findFreeBytes(machine, dirname(folder));
  }
}

async function refuseFullDisk(machine: Machine, environment: string): Promise<void> {
  const free = await findFreeBytes(machine, dirname(environment));
  if (free >= neededBytes) return;
  throw new SestaError(
    "DISK_FULL",
    `The environment needs 1 GB; ${Math.round(free / 1e6)} MB are free in ${dirname(environment)}`,
    {
      hint: "Free some space, then run `sesta up` again.",
    },
  );
}
