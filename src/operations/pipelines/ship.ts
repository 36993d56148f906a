// How stages build, push, deploy and take away services: as the verbs do, from the tree that the stage has.
import { join } from "node:path";
import type { ServiceSection } from "../../model/project.ts";
import type { ProgressEvent } from "../../model/plan.ts";
import type { ShipService, StageOutput } from "../../pipelines/ports.ts";
import { waitForLock } from "../../state/lock.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import { down } from "../down.ts";
import { ensureGateway } from "../gateway.ts";
import type { Sources } from "../jobs/folder-sources.ts";
import { hashFiles } from "../jobs/hash-files.ts";
import { listFiles } from "../jobs/list-files.ts";
import { openHosts } from "../machines.ts";
import { planDown } from "../plan.ts";
import { deploy } from "../services/deploy.ts";
import { listFigures } from "../services/gate.ts";
import { makeServiceImage } from "../services/image.ts";
import { planDeploy } from "../services/plan.ts";
import { getService } from "../services/releases.ts";
import { findServiceUrl } from "../services/url.ts";
import { listNeverShipped } from "../services/sources.ts";
import { sendTree } from "../services/send-tree.ts";
import { pushImage } from "./push/push.ts";

export function createShip(context: Context): ShipService {
  return {
    async build(service, tree, on, signal) {
      const section = getService(context, service);
      const sources = await readTree(context, tree);
      const { kind } = section.source;
      if (kind === "build" || kind === "image")
        return { kind: "image", digest: await buildImage(context, section, sources, on, signal) };
      const plan = await planDeploy(context, section, { ships: "files", sources });
      return { kind: plan.model ? "model" : "tree", digest: plan.digest };
    },
    push: (artefact, targets, { commit }, on, signal) =>
      pushImage(context, artefact, targets, commit, on, signal),
    async deploy(service, tree, artefact, { commit, figures }, on, signal) {
      const lock = await holdProject(context, on, signal);
      try {
        const sources = { ...(await readTree(context, tree)), commit, dirty: false };
        const section = getService(context, service);
        const image = artefact?.kind === "image" ? artefact.digest : undefined;
        const plan = await planDeploy(context, section, { ships: "files", sources, image });
        const facts = { figures: listFigures({ figures }), commit };
        const isSame = plan.action === "none" && plan.live !== undefined;
        const release = isSame && plan.live ? plan.live : await deploy(context, plan, facts, tell(on));
        if (isSame) on.line(`release ${release.number} is this already`);
        await ensureGateway(context);
        const url = findServiceUrl(context, service);
        return { release: release.number, digest: release.digest, url };
      } finally {
        lock.release();
      }
    },
    async destroy(service, on) {
      const plan = await planDown(context, [service]);
      const { receipts } = await down(context, plan, { all: false }, tell(on));
      for (const { removed } of receipts) for (const gone of removed) on.line(`gone ${gone}`);
    },
  };
}

/** On the service's own machine. @returns its id */
async function buildImage(
  context: Context,
  section: ServiceSection,
  sources: Sources,
  on: StageOutput,
  signal: AbortSignal,
): Promise<string> {
  const { name, target, source } = section;
  context.targets.remember(target);
  const [host] = await openHosts(context, target, 1);
  if (!host) throw new Error(`${target} has no machine`);
  const isBuilt = source.kind === "build";
  const tree = isBuilt ? await sendTree(context, host, { name, sources }, tell(on), signal) : null;
  const container = await makeServiceImage(context, section, host, sources, { tree, signal }, tell(on));
  if (!container) throw new Error(`${name} runs in no container`);
  return container.image;
}

/** The files of a folder that nobody else writes into, as the sources of a release. */
async function readTree(context: Context, tree: string): Promise<Sources> {
  const { machine, world } = context;
  const files = await listFiles(machine, tree, listNeverShipped(context));
  const { digest, bytes } = await hashFiles(tree, files, join(tree, ".git", "no-cache"), world.clock);
  return {
    digest: digestOf("folder", digest),
    contents: `sha256:${digest}`,
    commit: null,
    dirty: false,
    upload: { folder: tree, files, bytes },
  };
}

/** Another verb that changes the project is waited for. */
function holdProject({ folder, world }: Context, on: StageOutput, signal: AbortSignal) {
  const holder = { verb: "pipeline run", pid: world.pid, since: world.clock.now() };
  return waitForLock(join(folder, "verb"), holder, signal, (who) => on.line(`waiting for ${who}`));
}

function tell(on: StageOutput) {
  return ({ step, detail }: ProgressEvent) => on.line(detail === undefined ? step : `${step} ${detail}`);
}
