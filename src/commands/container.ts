// A run in a container: how docker and podman are asked for it.

type ContainerRun = {
  /** One word, or several where sudo is needed. */
  engine: readonly string[];
  /** An id, or a name. */
  image: string;
  name: string;
  /** The run's folder, the same inside and outside. */
  workdir: string;
  /** Names of variables that the container gets from outside, so that no value stands in an argument. */
  env: readonly string[];
  /** Absolute; read only, at the same path inside. */
  data: readonly string[];
  gpus: number | "all" | null;
  /** The network of the machine, for runs on several. */
  hostNetwork: boolean;
  argv: readonly string[];
};

/**
 * `--init` hands signals on, which a shell as process 1 would not. The folder has the same path inside and outside, so
 * that what the program says of its files holds for both.
 */
export function buildContainerRun(run: ContainerRun): readonly string[] {
  const { engine, image, name, workdir, env, data, gpus, hostNetwork, argv } = run;
  return [
    ...keepVariables(engine, env),
    "run",
    "--init",
    `--name=${name}`,
    `--workdir=${workdir}`,
    `--volume=${workdir}:${workdir}`,
    ...data.map((path) => `--volume=${path}:${path}:ro`),
    ...env.flatMap((variable) => ["--env", variable]),
    "--env",
    `HOMEDIR=${workdir}`,
    ...(hostNetwork ? ["--network=host"] : []),
    ...buildGpus(engine, gpus),
    image,
    ...argv,
  ];
}

/** sudo clears the environment; whoever may run anything may also keep it (sudoers(5): ALL implies SETENV). */
function keepVariables(engine: readonly string[], env: readonly string[]): readonly string[] {
  const [first = "", ...rest] = engine;
  return first === "sudo" ? [first, `--preserve-env=${env.join(",")}`, ...rest] : engine;
}

/** Docker's own flag; Podman takes devices as CDI names them (NVIDIA Container Toolkit, "Support for CDI"). */
function buildGpus(engine: readonly string[], gpus: number | "all" | null): string[] {
  if (gpus === null) return [];
  if (engine.at(-1) !== "podman") return [`--gpus=${gpus}`];
  if (gpus === "all") return ["--device=nvidia.com/gpu=all"];
  return Array.from({ length: gpus }, (_, index) => `--device=nvidia.com/gpu=${index}`);
}
