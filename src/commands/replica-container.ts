// A replica of a service in a container: how docker and podman are asked for it.

export type ReplicaContainer = {
  /** One word, or several where sudo is needed. */
  engine: readonly string[];
  /** The image's id. */
  image: string;
  name: string;
  /** What `buildListOwn` looks for. */
  owner: string;
  /** Absolute; see `buildEnvFile`. */
  envFile: string;
  /** Names of the variables that the engine's own program hands on. */
  passed: readonly string[];
  /** Of loopback on the machine. */
  port: number;
  /** Of the container. */
  appPort: number;
  /** Whether the engine has a small process 1 of its own, which hands signals on and takes what is left behind. */
  init: boolean;
  memoryBytes: number | null;
  cpus: number | null;
};

const ownerLabel = "sesta.agent";

/** In the foreground: what it prints is what its program prints, and nothing of that is kept by the engine. */
export function buildReplicaRun(replica: ReplicaContainer): readonly string[] {
  const { engine, image, name, owner, envFile, passed, port, appPort, init, memoryBytes, cpus } = replica;
  return [
    ...keepVariables(engine, passed),
    "run",
    "--pull=never",
    ...(init ? ["--init"] : []),
    `--name=${name}`,
    `--label=${ownerLabel}=${owner}`,
    "--log-driver=none",
    `--env-file=${envFile}`,
    `--publish=127.0.0.1:${port}:${appPort}`,
    // Without the second, docker gives it as much swap again.
    ...(memoryBytes === null ? [] : [`--memory=${memoryBytes}b`, `--memory-swap=${memoryBytes}b`]),
    ...(cpus === null ? [] : [`--cpus=${cpus}`]),
    image,
  ];
}

/** Asks the engine for the names of all containers of this owner, also of those that have ended. */
export function buildListOwn(owner: string): readonly string[] {
  return ["ps", "--all", `--filter=label=${ownerLabel}=${owner}`, "--format={{.Names}}"];
}

/** Beyond these docker and podman read a line differently, or cut it off. */
const plainValue = /^[^'"\r\n]{0,4096}$/;

/**
 * Variables as a file for `--env-file`, so that no value stands in a process list. A name alone takes the value that
 * the engine's own program has: for what does not fit in a line.
 */
export function buildEnvFile(env: Readonly<Record<string, string>>): {
  text: string;
  passed: Record<string, string>;
} {
  const entries = Object.entries(env);
  const lines = entries.map(([name, value]) => (plainValue.test(value) ? `${name}=${value}` : name));
  return {
    text: lines.map((line) => `${line}\n`).join(""),
    passed: Object.fromEntries(entries.filter(([, value]) => !plainValue.test(value))),
  };
}

/** sudo clears the environment; whoever may run anything may also keep it (sudoers(5): ALL implies SETENV). */
function keepVariables(engine: readonly string[], names: readonly string[]): readonly string[] {
  const [first = "", ...rest] = engine;
  return first === "sudo" && names.length > 0
    ? [first, `--preserve-env=${names.join(",")}`, ...rest]
    : engine;
}
