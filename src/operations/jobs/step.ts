// One step that prepares a machine for a job, and what a prepared machine has for the job's runs.
import type { Host } from "../../machine/host.ts";
import type { JobPlaces } from "../../workloads/job/digests.ts";

/** Tells of a step while it goes on: some words, and a share where one is known. */
export type StepReport = { detail: (text: string) => void; bytes: (done: number, total: number) => void };

export type Step = {
  name: string;
  /** What it would do, in words. */
  title: string;
  /** It changes what does not belong to Sesta: the system's packages. */
  touchesSystem?: boolean;
  /** Whether there is nothing to do. Reads only. */
  check(): Promise<boolean>;
  run(report: StepReport): Promise<void>;
};

/** What a prepared machine has for the job's runs. Filled in as the steps go. */
export type Prepared = {
  places: JobPlaces;
  data: PlacedData[];
  image?: Image;
  /** All paths and images that were made, or found made, for this job. */
  made: string[];
};

/** Absolute on the machine, and where a run finds it. */
export type PlacedData = { from: string; to: string };

export type Image = {
  /** How the engine is called: one word, or several where sudo is needed. */
  engine: readonly string[];
  /** The image's digest. */
  id: string;
};

export async function exists({ machine }: Host, path: string): Promise<boolean> {
  return (await machine.run(["test", "-e", path])).exitCode === 0;
}
