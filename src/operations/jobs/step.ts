// One step that prepares a machine for a job, and what a prepared machine has for the job's runs.
import type { Host } from "../../machine/host.ts";
import type { FoundProject } from "./find-project.ts";
import type { JobPlaces } from "../../workloads/job/digests.ts";

/** What a step is given while it goes on. */
export type StepReport = {
  /** Tells of it: some words, or a share where one is known. */
  detail: (text: string) => void;
  bytes: (done: number, total: number) => void;
  /** Aborts with the command, and when another step has failed. */
  signal: AbortSignal;
};

export type Step = {
  name: string;
  /** What it would do, in words. */
  title: string;
  /** It changes what does not belong to Sesta: the system's packages. */
  touchesSystem?: boolean;
  /** Names of the steps that must be done before; others may go on at the same time. */
  needs: readonly string[];
  /** Whether there is nothing to do. Reads only. */
  check(): Promise<boolean>;
  run(report: StepReport): Promise<void>;
};

/** What a prepared machine has for the job's runs. Filled in as the steps go. */
export type Prepared = {
  places: JobPlaces;
  data: PlacedData[];
  image?: Image;
  /** Of a job with a `project`, once its sources are there. */
  project?: FoundProject;
  /** What people should know of it, one sentence each. */
  notes: readonly string[];
  /** All paths and images that were made, or found made, for this job. */
  made: string[];
};

/** What is known before the sources are. */
export type EarlyPrepared = Pick<Prepared, "data" | "made">;

/** Absolute on the machine, and where a run finds it. */
export type PlacedData = { from: string; to: string };

export type Image = {
  /** How the engine is called: one word, or several where sudo is needed. */
  engine: readonly string[];
  /** The image's digest. */
  id: string;
};

type Batch = { paths: string[]; answers: Promise<boolean[]> };
const batches = new WeakMap<Host, Batch>();

/** Whether there is something of that path. What is asked in the same moment goes over in one command. */
export async function exists(host: Host, path: string): Promise<boolean> {
  const batch = batches.get(host) ?? openBatch(host);
  const at = batch.paths.push(path) - 1;
  return (await batch.answers)[at] === true;
}

function openBatch(host: Host): Batch {
  const paths: string[] = [];
  const answers = new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
    batches.delete(host);
    const script = 'for path do if [ -e "$path" ]; then echo yes; else echo no; fi; done';
    const { stdout } = await host.machine.run(["sh", "-c", script, "sh", ...paths]);
    return stdout.split("\n").map((word) => word === "yes");
  });
  const batch = { paths, answers };
  batches.set(host, batch);
  return batch;
}
