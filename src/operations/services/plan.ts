// What a deploy would do, before anybody does it. Reads only.
import { createHash } from "node:crypto";
import type { Plan } from "../../model/plan.ts";
import type { ServiceSection } from "../../model/project.ts";
import type { Release } from "../../model/release.ts";
import { launchDigest } from "../../targets/agent-host/layout.ts";
import { buildServiceLaunch } from "../../workloads/service/build-launch.ts";
import type { Launch } from "../../model/launch.ts";
import type { Context } from "../context.ts";
import type { Sources } from "../jobs/folder-sources.ts";
import { openHosts } from "../machines.ts";
import { draftContainer, findServiceImage, imageGone } from "./image.ts";
import { readCertificate } from "./certificate.ts";
import { findGate, findGateProblem, listUnmade } from "./gate.ts";
import { findModel, type Model } from "./model.ts";
import { warnOfLimits } from "./limits.ts";
import { findServicePort } from "./port.ts";
import { listReleases } from "./releases.ts";
import { findServiceFiles, readServiceRequirements } from "./sources.ts";

export type DeployPlan = Pick<
  Plan,
  "name" | "target" | "action" | "steps" | "keeps" | "warnings" | "price"
> & {
  section: ServiceSection;
  sources: Sources;
  model: Model | null;
  /** What is to run, but for what only the deploy itself finds out: its port, its secrets. */
  launch: Launch;
  /** Of what is to run; the same one again changes nothing. */
  digest: string;
  /** The image that was built before, by its id. */
  image?: string;
  live: Release | undefined;
  /** Why its gate does not let it pass; undefined where it has none, or passed. */
  unvalidated: string | undefined;
};

export type DeployWish = {
  /** Also where it is what runs already. */
  again?: boolean | undefined;
  /** Only `deploy` ships changed files; `up` ships what has no release, or another section in sesta.yaml. */
  ships: "files" | "section";
  /** Instead of the project's folder. */
  sources?: Sources;
  /** The image that was built of them, by its id. */
  image?: string | undefined;
};

/** @throws SestaError SSH_CONNECTION, DEPLOY_FAILED where an image that was built is gone */
export async function planDeploy(
  context: Context,
  section: ServiceSection,
  { again = false, ships, sources: given, image: built }: DeployWish,
): Promise<DeployPlan> {
  const { name, target } = section;
  const { source } = section;
  const model =
    source.kind === "model" ? await findModel(context, section, source, given?.upload?.folder) : null;
  const sources = model
    ? { ...model.sources, ...commitOf(given) }
    : (given ?? (await findServiceFiles(context)));
  const requirements = await readServiceRequirements(section, sources);
  const certificate = await readCertificate(context, section);
  const tls = certificate && createHash("sha256").update(certificate.cert).digest("hex");
  const port = findServicePort(context, section) ?? 0;
  const parts = { port, requirements, container: draftContainer(section), tls, modelServer: null };
  const launch = buildServiceLaunch(section, { ...parts, tokenDigest: null });
  const placed = context.state.findWorkload(name);
  const releases = placed ? await listReleases(context, name) : [];
  const live = releases.find(({ state }) => state === "live");
  const image = await findImage(context, section, sources, built);
  const digest = image?.id ?? sources.contents ?? `sha256:${sources.digest}`;
  const sameFiles = live?.digest === digest;
  const sameSection =
    placed !== undefined && placed.placedAt !== null && placed.digest === launchDigest(launch);
  const isSame = sameSection && (sameFiles || ships === "section");
  // What is live and has failed is made anew of the same files, which may be found where they are now.
  const isDown = async () => sameFiles && (await context.targets.of(name).status(name)).state === "failed";
  const isKept = isSame && !again && !(await isDown());
  const action = live === undefined ? "create" : isKept ? "none" : "change";
  const steps = [
    ...(model && !model.isReady && !model.file.endsWith(".onnx")
      ? [`convert ${model.file} to ONNX, and compare what both predict`]
      : []),
    ...(launch.environment ? ["make its Python environment, where it has changed"] : []),
    ...(image ? [] : describeImage(section)),
    `make release ${(releases[0]?.number ?? 0) + 1} of ${describeSources(section, sources)}`,
    ...(live
      ? [`start ${replicasOf(section)} beside release ${live.number}, which goes when they are well`]
      : [`start ${replicasOf(section)}`]),
  ];
  const warnings = [
    ...(sources.dirty === true && action !== "none" && section.source.kind !== "image"
      ? ["the files differ from the commit"]
      : []),
    ...(action === "none" ? [] : await warnOfLimits(context, section)),
    ...(isSame && live && !sameFiles ? describeChange(context, name, live, sources) : []),
    ...(given || action === "none" || source.kind !== "command"
      ? []
      : listUnmade(context, name, sources.upload?.files ?? []).map(
          ({ path, stage, pipeline }) =>
            `${path} is not among the files; stage ${stage} of \`sesta pipeline run ${pipeline}\` makes it`,
        )),
  ];
  return {
    name,
    target,
    action,
    steps: action === "none" ? [] : steps,
    keeps: [],
    warnings,
    price: target === "local" ? "free, on this machine" : "free, on your own machine",
    section,
    sources,
    model,
    launch,
    digest,
    ...(built === undefined ? {} : { image: built }),
    live,
    unvalidated: findGateProblem(context, name, sources.contents ?? digest),
  };
}

/** Nothing where a pipeline has shipped the commit that lies here: what its stages made is not in the folder. */
function describeChange(context: Context, name: string, live: Release, { commit, dirty }: Sources): string[] {
  const gate = findGate(context, name);
  const isShipped = gate && commit !== null && live.commit === commit && !live.dirty && !dirty;
  if (isShipped) return [];
  const way = gate ? `pipeline run ${gate.pipeline}` : `deploy ${name}`;
  return [`its files differ from release ${live.number}: \`sesta ${way}\` ships them`];
}

/** Of a tree that a pipeline made, the model is only a part. */
function commitOf(given: Sources | undefined): Partial<Sources> {
  return given ? { commit: given.commit, dirty: given.dirty } : {};
}

async function findImage(context: Context, section: ServiceSection, sources: Sources, id?: string) {
  if (section.source.kind !== "build" && section.source.kind !== "image") return undefined;
  const [host] = await openHosts(context, section.target, 1);
  if (!host) return undefined;
  const found = await findServiceImage(context, section, host, sources, id);
  if (!found && id !== undefined) throw imageGone(section.name, id, host.machine.name);
  return found;
}

function describeImage({ source, name }: ServiceSection): string[] {
  if (source.kind === "build") return [`build the image of ${name}, from ${source.folder}`];
  return source.kind === "image" ? [`pull the image ${source.image}`] : [];
}

function describeSources({ source }: ServiceSection, { upload, commit, dirty }: Sources): string {
  if (source.kind === "image") return `the image ${source.image}`;
  const files = `${upload?.files.length ?? 0} files`;
  return commit === null ? files : `${files} at ${commit.slice(0, 8)}${dirty ? ", with changes" : ""}`;
}

function replicasOf({ replicas }: ServiceSection): string {
  return replicas === 1 ? "a replica" : `${replicas} replicas`;
}
