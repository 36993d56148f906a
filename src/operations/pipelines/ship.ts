// How stages build, push, deploy and take away services: as the verbs do, from the tree that the stage has.
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
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
import { planDown } from "../plan.ts";
import { deploy } from "../services/deploy.ts";
import { listFigures } from "../services/gate.ts";
import { planDeploy } from "../services/plan.ts";
import { getService } from "../services/releases.ts";
import { getStatus } from "../status.ts";

export function createShip(context: Context): ShipService {
  return {
    async build(service, tree) {
      const section = getService(context, service);
      const plan = await planDeploy(context, section, {
        ships: "files",
        sources: await readTree(context, tree),
      });
      return { kind: plan.model ? "model" : "tree", digest: plan.digest };
    },
    push: async () => {
      throw new SestaError("UNSUPPORTED", "Only images are pushed, and this service has none", {
        hint: "Give the service `build:`, or leave `push` out of the stage.",
      });
    },
    async deploy(service, tree, _artefact, { commit, figures }, on, signal) {
      const lock = await holdProject(context, on, signal);
      try {
        const sources = { ...(await readTree(context, tree)), commit, dirty: false };
        const section = getService(context, service);
        const plan = await planDeploy(context, section, { ships: "files", sources });
        const facts = { figures: listFigures({ figures }), commit };
        const isSame = plan.action === "none" && plan.live !== undefined;
        const release = isSame && plan.live ? plan.live : await deploy(context, plan, facts, tell(on));
        if (isSame) on.line(`release ${release.number} is this already`);
        await ensureGateway(context);
        const { workloads } = await getStatus(context);
        const url = workloads.find(({ name }) => name === service)?.url ?? null;
        return { release: release.number, digest: release.digest, url };
      } finally {
        lock.release();
      }
    },
    async destroy(service, on) {
      const plan = await planDown(context, [service]);
      const { receipts } = await down(context, plan, false, tell(on));
      for (const { removed } of receipts) for (const gone of removed) on.line(`gone ${gone}`);
    },
  };
}

/** The files of a folder that nobody else writes into, as the sources of a release. */
async function readTree({ machine, world }: Context, tree: string): Promise<Sources> {
  const files = await listFiles(machine, tree, []);
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
