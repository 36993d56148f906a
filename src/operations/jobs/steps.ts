// What prepares a machine for a job, step by step: each looks first whether it is done, and does it where it is not.
import type { Host } from "../../machine/host.ts";
import { formatCount } from "../../model/size.ts";
import { buildJobPlaces } from "../../workloads/job/digests.ts";
import type { JobSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import { buildDataSteps } from "./data-steps.ts";
import { buildImageSteps } from "./image-steps.ts";
import { buildPackageStep } from "./package-step.ts";
import { findProject } from "./find-project.ts";
import { findPython } from "./find-python.ts";
import { buildPythonStep } from "./python-step.ts";
import { buildSetupStep } from "./setup-step.ts";
import type { Sources } from "./folder-sources.ts";
import { sendSources, senderOf } from "./send-sources.ts";
import { mirrorOf } from "./sources.ts";
import { openSourceFiles } from "./source-files.ts";
import { exists, type EarlyPrepared, type Prepared, type Step } from "./step.ts";

export type JobSteps = { steps: readonly Step[]; prepared: Prepared };

/** Those that need no sources, which are already being looked at. */
export type EarlySteps = { packages: Step[]; data: Step[]; prepared: EarlyPrepared };

export function buildEarlySteps(context: Context, job: JobSection, host: Host): EarlySteps {
  const prepared: EarlyPrepared = { data: [], made: [] };
  const packages = buildPackageStep(job, host).map(look);
  return { packages, data: buildDataSteps(context, job, host, prepared).map(look), prepared };
}

/** Looks now, while other things are found out. */
function look(step: Step): Step {
  const found = step.check();
  found.catch(() => undefined); // whoever asks hears of it
  return { ...step, check: () => found };
}

/** In their order; each may rely on those before it. */
export async function buildSteps(
  context: Context,
  job: JobSection,
  host: Host,
  sources: Sources,
  early = buildEarlySteps(context, job, host),
): Promise<JobSteps> {
  const files = isReadEarly(job) ? await openSourceFiles(host, sources, job.python?.requirements) : undefined;
  const project = await findProject(job, files);
  const python = await findPython(job, project, files);
  const { python: _, ...rest } = job;
  const known = python ? { ...rest, python: python.python } : rest;
  const places = buildJobPlaces(host.base, known, sources.digest, python?.requirements ?? []);
  const prepared: Prepared = {
    places,
    ...(project && { project }),
    notes: python?.notes ?? [],
    ...early.prepared,
  };
  prepared.made.push(places.tree);
  if (places.environment !== null) prepared.made.push(places.environment);
  if (sources.fetch) prepared.made.push(mirrorOf(host, sources.fetch.mirrorKey));
  if (places.prepared !== places.tree) prepared.made.push(places.prepared);
  const steps = [
    ...early.packages,
    buildSourcesStep(context, host, sources, places.tree),
    ...buildPythonStep(context, job, host, prepared, python),
    ...early.data,
    ...buildImageSteps(job, host, sources, prepared),
    ...buildSetupStep(job, host, prepared),
  ];
  return { steps, prepared };
}

/** What its sources say decides what is to be set up. */
export function isReadEarly({ python, project }: JobSection): boolean {
  return python?.requirements !== undefined || project !== undefined;
}

function buildSourcesStep(context: Context, host: Host, sources: Sources, tree: string): Step {
  const { upload, fetch, commit } = sources;
  const title = fetch
    ? `clone ${fetch.address} at ${(commit ?? "").slice(0, 10)}`
    : `send the sources, ${formatCount(upload?.files.length ?? 0, "file")}`;
  return {
    name: "sources",
    title,
    needs: ["packages"],
    check: () => exists(host, `${tree}/complete`),
    run: (report) => sendSources(host, senderOf(context, host), sources, tree, report),
  };
}
