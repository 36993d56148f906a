// Sesta's agent with one workspace to save; nothing runs in it, as saving goes on while a lab sleeps.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createAgentRig } from "../../test/faults/support/agent-rig.ts";
import { until } from "../../test/faults/support/processes.ts";
import { buildStubLaunch } from "../../test/faults/support/stub-launch.ts";
import type { SaveRule } from "../../src/model/launch.ts";
import type { Place, Subject } from "./subject.ts";
import { copyTree } from "./tree.ts";

const name = "sesta";

export async function startSesta({
  cache,
  folder,
  remotes,
}: Place): Promise<Subject & { firstSaveMs: number }> {
  process.env["NODE_COMPILE_CACHE"] = join(cache, "compiled"); // as users' agents have it: one that compiles is larger
  const rig = await createAgentRig(join(folder, "rig"));
  await rig.kill();
  await rig.agent.ensure();
  const workspace = rig.workspaceOf(name);
  copyTree(cache, workspace);
  const environment = join(rig.root, "environment");
  mkdirSync(environment, { recursive: true });
  const put = async (repo: string) => {
    const save: SaveRule = {
      repo,
      branch: "main",
      include: [],
      exclude: [],
      maxFileBytes: 100_000_000,
      everyMs: 10_000,
      lfs: false,
    };
    const places = { environment, workspace, disk: "kept", sessions: false } as const;
    await rig.agent.call("put", { launch: { ...buildStubLaunch(name), save }, places });
  };
  const confirmed = () =>
    until(
      async () => {
        const { save } = await rig.find(name);
        return save?.savedAt !== null && save?.owedSince === null && save.problem === null;
      },
      "Sesta's first save does not reach the remote",
      600_000,
    );
  const began = performance.now();
  await put(remotes.path(name));
  await confirmed();
  const firstSaveMs = performance.now() - began;
  const pid = await rig.pid();
  return {
    name: "Sesta",
    workspace,
    gitFolder: join(rig.home, "saves", name, "git"),
    ref: "refs/sesta/work",
    remote: remotes.path(name),
    firstSaveMs,
    async use(where) {
      await put(remotes[where](name));
      await confirmed();
    },
    pids: () => [pid],
    end: () => rig.end(),
  };
}
