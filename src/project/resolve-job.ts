// Fills in the defaults of a job.
import type { JobContainer, JobPython, JobSection } from "../model/project.ts";
import type { ProjectFile } from "./schema.ts";

type JobFile = Extract<NonNullable<ProjectFile["workloads"]>[string], { type: "job" }>;
type ContainerFile = NonNullable<JobFile["container"]>;

export const defaultRendezvousMs = 10 * 60_000;

/** @param target of workloads that name none */
export function resolveJob(job: JobFile, name: string, target: string): JobSection {
  const { repo, ref, token, python, container, setup, run, project, stdout, playbook, inventory, tracker } =
    job;
  return {
    type: "job",
    name,
    target: job.target ?? target,
    packages: job.packages ?? [],
    data: job.data ?? [],
    env: job.env ?? {},
    fetch: job.fetch ?? [],
    into: job.into ?? `results/${name}`,
    timeoutMs: job.timeout ?? null,
    retries: job.retries ?? 0,
    nodes: job.nodes ?? 1,
    gpus: job.gpus ?? null,
    rendezvousMs: job.rendezvous ?? defaultRendezvousMs,
    ...(repo === undefined ? {} : { repo }),
    ...(ref === undefined ? {} : { ref }),
    ...(token === undefined ? {} : { token }),
    ...(python === undefined ? {} : { python: tracker === undefined ? python : withMeasures(python) }),
    ...(container === undefined ? {} : { container: resolveContainer(container, name) }),
    ...(setup === undefined ? {} : { setup }),
    ...(run === undefined ? {} : { run }),
    ...(tracker === undefined ? {} : { tracker }),
    ...(project === undefined
      ? {}
      : { project: { folder: project, entry: job.entry ?? "main", parameters: job.parameters ?? {} } }),
    ...(stdout === undefined ? {} : { stdout }),
    ...(playbook === undefined ? {} : { playbook }),
    ...(inventory === undefined ? {} : { inventory }),
  };
}

/** What MLflow's client reads the machine's figures with: of the machine, and of NVIDIA's GPUs where it has some. */
const measures = ["psutil", "nvidia-ml-py"];

function withMeasures(python: JobPython): JobPython {
  const named = python.packages.map((text) =>
    /^[\w.-]*/
      .exec(text)?.[0]
      .replaceAll(/[-_.]+/g, "-")
      .toLowerCase(),
  );
  return { ...python, packages: [...python.packages, ...measures.filter((one) => !named.includes(one))] };
}

function resolveContainer({ image, build, file, tag }: ContainerFile, name: string): JobContainer {
  if (image !== undefined) return { image };
  // The schema asks for exactly one of the two.
  return { build: build ?? ".", tag: tag ?? name, ...(file === undefined ? {} : { file }) };
}
