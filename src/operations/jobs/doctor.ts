// What the machines of jobs lack: each finding with the one thing that mends it. Changes nothing.
import { messageOf, SestaError } from "../../base/errors.ts";
import { runScript, type Host } from "../../machine/host.ts";
import { findUv } from "../../machine/uv.ts";
import { listJobs, type JobSection } from "../../model/project.ts";
import { formatSize } from "../../model/size.ts";
import type { Context } from "../context.ts";
import type { Finding } from "../finding.ts";
import { getTarget, openHost } from "../machines.ts";

export async function examineJobs(context: Context): Promise<Finding[]> {
  const jobs = listJobs(context.project);
  const targets = [...new Set(jobs.map(({ target }) => target))];
  const found = await Promise.all(
    targets.map(async (target) => {
      const section = getTarget(context, target);
      const names = section.type === "local" ? ["local"] : section.hosts.map(({ name }) => name);
      const wanting = jobs.filter((job) => job.target === target);
      return Promise.all(names.map((name) => examineMachine(context, target, name, wanting)));
    }),
  );
  return found.flat(2);
}

async function examineMachine(
  context: Context,
  target: string,
  name: string,
  jobs: readonly JobSection[],
): Promise<Finding[]> {
  try {
    const host = await openHost(context, target, name);
    const lacks = await Promise.all(
      jobs.flatMap((job) => [
        examineEngine(host, job),
        examinePackages(host, job),
        examinePython(context, host, job),
      ]),
    );
    return [...(name === "local" ? [] : [describe(host)]), ...lacks.flat()];
  } catch (error) {
    if (error instanceof SestaError && error.code === "HOST_KEY_UNKNOWN") {
      const what = `${name} is new to this project; its key has not been confirmed`;
      return [{ level: "warning", what, mend: `sesta up ${jobs[0]?.name ?? ""}` }];
    }
    const hint = error instanceof SestaError ? error.hint : undefined;
    return [
      { level: "error", what: `${name}: ${messageOf(error)}`, ...(hint !== undefined && { mend: hint }) },
    ];
  }
}

function describe({ machine, facts }: Host): Finding {
  const gpus = facts.gpus.length === 0 ? "no GPU" : facts.gpus.join(", ");
  const size = `${facts.cores} cores, ${formatSize(facts.memoryBytes)}, ${gpus}`;
  return { level: "ok", what: `${machine.name} answers over SSH: ${size}` };
}

async function examineEngine(host: Host, { container, packages, name }: JobSection): Promise<Finding[]> {
  if (!container || packages.some((one) => /^(?:docker|podman)/.test(one))) return [];
  const ran = await runScript(host, "image.sh", ["engine"]);
  if (ran.exitCode === 0) return [];
  const what = `${name} runs in a container, and neither docker nor podman answers on ${host.machine.name}`;
  return [{ level: "error", what, mend: "Install one there, or put `packages: [docker.io]` into the job." }];
}

async function examinePackages(host: Host, { packages, name }: JobSection): Promise<Finding[]> {
  if (packages.length === 0) return [];
  const ran = await runScript(host, "packages.sh", ["check", ...packages]);
  const missing = ran.stdout.split("\n").filter((one) => one !== "");
  if (ran.exitCode === 0 && missing.length === 0) return [];
  const isRoot =
    host.facts.user === "root" ||
    (await host.machine.run(["sudo", "-n", "true"]).then(
      ({ exitCode }) => exitCode === 0,
      () => false,
    ));
  if (isRoot && ran.exitCode === 0) return [];
  const what = `${name} needs ${missing.join(", ") || packages.join(", ")} on ${host.machine.name}, which takes root`;
  return [
    { level: "error", what, mend: `Somebody with root runs there: apt-get install ${missing.join(" ")}` },
  ];
}

async function examinePython(
  { world }: Context,
  host: Host,
  { python, project, container, name }: JobSection,
): Promise<Finding[]> {
  if (!python && (!project || container)) return [];
  const isHere = host.machine.name === "local";
  if ((await findUv(host.machine, isHere ? world.cacheFolder : `${host.base}/cache`)) !== undefined)
    return [];
  const has = await host.machine.run(["python3", "--version"]).then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
  if (has) return [];
  const what = `${name} needs Python, and neither python3 nor uv is on ${host.machine.name}`;
  return [{ level: "error", what, mend: "Install python3 there." }];
}
