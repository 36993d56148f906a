// Commands of uv: an environment, Sesta's pinned packages in it, then the user's own on top.

type Argv = readonly [program: string, ...operands: string[]];

/** What a lab's lock is made for; asks for no version in particular, so that the system's own Python is taken. */
export const anyPython = ">=3.10,<3.15";

/**
 * Variables for every uv that Sesta runs; `undefined` removes one. Indexes, mirrors and certificates stay the
 * user's: uv reads them from UV_* and uv.toml. What would lead it to another Python than the one named is removed.
 */
export const uvVariables: Readonly<Record<string, string | undefined>> = {
  UV_NO_PROGRESS: "1",
  UV_PYTHON: undefined,
  VIRTUAL_ENV: undefined,
  CONDA_PREFIX: undefined,
  PYTHONHOME: undefined,
  PYTHONPATH: undefined,
  // The pinned packages are compiled once, here, and never again at a start.
  PYTHONDONTWRITEBYTECODE: undefined,
};

/**
 * Makes `environment` anew, whatever was there. A Python of the system is taken before a downloaded one:
 * uv downloads from GitHub, which not every machine reaches.
 * @param python a version as in "3.12", or `anyPython`
 */
export function buildVenv(uv: string, python: string, environment: string): Argv {
  return [
    uv,
    "venv",
    "--no-project",
    "--clear",
    "--python-preference",
    "system",
    "--python",
    python,
    environment,
  ];
}

/**
 * Installs a lock: every package named in it has a version and digests, and nothing else may come in.
 * uv's own choice of link mode stands: hard links or clones, copies where the cache is on another disk.
 * @param compile not where most of what is installed is never run
 */
export function buildLockedInstall(uv: string, environment: string, lockFile: string, compile = true): Argv {
  return [...install(uv, environment, compile), "--require-hashes", "--requirements", lockFile];
}

/** Installs a lock into a plain folder, for programs that come as wheels and need no environment. */
export function buildTargetInstall(uv: string, folder: string, lockFile: string): Argv {
  return [
    uv,
    "pip",
    "install",
    "--target",
    folder,
    "--no-deps",
    "--require-hashes",
    "--requirements",
    lockFile,
  ];
}

type Wanted = {
  /** PEP 508 requirement specifiers. */
  packages: readonly string[];
  /** Path of a requirements file. */
  requirementsFile?: string;
};

/**
 * Adds the user's packages. The lock constrains them, so they cannot break what Sesta runs: what contradicts a
 * pin fails with uv's account of the two. Undefined when nothing is wanted.
 */
export function findUserInstall(
  uv: string,
  environment: string,
  lockFile: string,
  wanted: Wanted,
): Argv | undefined {
  const { packages, requirementsFile } = wanted;
  if (packages.length === 0 && requirementsFile === undefined) return undefined;
  return [
    ...install(uv, environment),
    "--constraints",
    lockFile,
    ...(requirementsFile === undefined ? [] : ["--requirements", requirementsFile]),
    ...(packages.length === 0 ? [] : ["--", ...packages]),
  ];
}

/**
 * Pins `input` with digests for Linux and macOS and every supported Python, without a word on where from.
 * @param upgrade takes the newest of everything; otherwise what `output` already says stays
 * @param python the oldest
 */
export function buildLock(
  uv: string,
  input: string,
  output: string,
  upgrade: boolean,
  python = "3.10",
): Argv {
  return [
    uv,
    "pip",
    "compile",
    "--universal",
    "--python-version",
    python,
    "--no-python-downloads",
    "--generate-hashes",
    "--no-header",
    "--no-annotate",
    "--no-emit-index-url",
    "--no-emit-find-links",
    ...(upgrade ? ["--upgrade"] : []),
    "--output-file",
    output,
    input,
  ];
}

function install(uv: string, environment: string, compile = true): Argv {
  const python = `${environment}/bin/python`;
  return [uv, "pip", "install", "--python", python, ...(compile ? ["--compile-bytecode"] : [])];
}
