// Notebooks saved through a real Jupyter while the remote fails, and while the agent and its git are killed.
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { findInFiles } from "../support/canary.ts";
import { findMissingLab } from "../support/example-project.ts";
import { userGit } from "../support/snapshot-rig.ts";
import { limitMs, points } from "./support/points.ts";
import { killHard, listLiving, lives, until } from "./support/processes.ts";
import { createSaveLab, firstToken, type SaveLab } from "./support/save-lab.ts";
import { lookAtGit } from "./support/user-repositories.ts";

const missing = findMissingLab();
if (missing !== "") process.stderr.write(`save-lab-remote.test.ts is skipped: ${missing}\n`);

const secondToken = "the-second-token-canary";

describe.skipIf(missing !== "")("a lab that is saved", { timeout: 120_000 }, () => {
  let lab: SaveLab;
  let untouched: Record<string, string>;

  beforeAll(async () => {
    lab = await createSaveLab({ kind: "http" });
    userGit(lab.workspace, "init", "-q");
    userGit(lab.workspace, "commit", "-qm", "mine", "--allow-empty");
    untouched = lookAtGit(lab.workspace);
    await lab.save("first.ipynb");
    await lab.untilThere("first.ipynb");
  });
  afterEach(async () => {
    lab.remote.hook("pre-receive", null);
    expect(lookAtGit(lab.workspace)).toEqual(untouched);
    for (const secret of [firstToken, secondToken])
      expect(await findInFiles(join(lab.project.folder, ".sesta"), secret)).toEqual([]);
  });
  afterAll(() => lab?.end());

  /** What is acknowledged while the fault lasts is saved here, and the remote is as it was. */
  async function saveMeanwhile(kind: string, ...paths: string[]): Promise<void> {
    const before = lab.remote.tip("main");
    await lab.save(...paths);
    await lab.untilHere(...paths);
    await lab.untilSave(({ problem }) => problem?.kind === kind, `nothing is ${kind}`);
    const { save } = await lab.why();
    expect(save).toMatchObject({
      problem: expect.any(String) as string,
      owed_since: expect.any(String) as string,
    });
    expect(await lab.succeed("status")).toContain("not saved for ");
    expect(lab.remote.tip("main")).toBe(before);
  }

  test("F8: the remote is down and the agent dies meanwhile: everything arrives when both are back", async () => {
    const door = await lab.visitor();
    await lab.remote.stop();
    await saveMeanwhile("unreachable", "down.ipynb", "first.ipynb");
    await lab.killAgent();
    expect((await door.put("agentless.ipynb", "nobody watches")).status).toBe(201);
    await lab.untilReport(({ save }) => save?.owedSince !== null, "the debt is forgotten");
    await saveMeanwhile("unreachable", "later.ipynb");
    await lab.remote.start();
    await lab.untilThere("down.ipynb", "first.ipynb", "agentless.ipynb", "later.ipynb");
  });

  test("F10: a hook refuses: its words are shown, and everything arrives when it takes it", async () => {
    lab.remote.hook("pre-receive", "echo 'not on Fridays' >&2; exit 1");
    await saveMeanwhile("refused", "friday.ipynb");
    expect((await lab.why()).save?.problem).toContain("not on Fridays");
    lab.remote.hook("pre-receive", null);
    await lab.untilThere("friday.ipynb");
  });

  test("F10: the token counts no more; the new one, put into its file, is used by itself", async () => {
    lab.remote.allow(secondToken);
    await saveMeanwhile("token", "refused.ipynb");
    lab.token("a-wrong-token");
    await saveMeanwhile("token", "still-refused.ipynb");
    lab.token(secondToken);
    await lab.untilThere("refused.ipynb", "still-refused.ipynb");
  });

  test("F9: somebody else pushed: saves go beside, and `--onto` brings both together", async () => {
    const theirs = lab.remote.pushElsewhere("main", { "theirs.ipynb": "{}\n", "first.ipynb": "{}\n" });
    await lab.save("first.ipynb", "ours.ipynb");
    await lab.untilHere("first.ipynb", "ours.ipynb");
    await lab.untilSave(({ beside }) => beside === "main", "it does not go beside");
    await lab.untilThere("first.ipynb", "ours.ipynb");
    const { save } = await lab.why();
    expect(save).toMatchObject({
      beside: "main",
      branch: expect.stringMatching(/^sesta\/notebook\//) as string,
    });
    const ours = lab.work() ?? "";
    expect([lab.remote.tip("main"), lab.remote.tip(save?.branch ?? "")]).toEqual([theirs, ours]);

    const mine = lab.onDisk("first.ipynb");
    await lab.succeed("save", "notebook", "--onto", "main", "-y");
    for (const tip of [theirs, ours]) lab.remote.git("merge-base", "--is-ancestor", tip, "main");
    expect([lab.onDisk("first.ipynb"), lab.there("first.ipynb")]).toEqual([mine, mine]);
    expect([lab.onDisk("theirs.ipynb"), lab.there("theirs.ipynb")]).toEqual(["{}\n", "{}\n"]);
    await lab.save("together.ipynb");
    await lab.untilThere("together.ipynb");
    expect((await lab.report()).save).toMatchObject({ branch: "main", beside: null });
  });

  const kills = points(5, 60);
  test(
    "F1, F11: the agent and its git are killed again and again while Jupyter saves all the time",
    { timeout: limitMs(5, 60) },
    async () => {
      const { pid } = await lab.report();
      const paths = ["busy-0.ipynb", "busy-1.ipynb", "busy-2.ipynb"];
      const door = await lab.visitor();
      const acknowledged = new Map<string, number>();
      const enough = new AbortController();
      const saving = (async () => {
        for (let count = 0; !enough.signal.aborted; count += 1) {
          const path = paths[count % paths.length] ?? "";
          const { status } = await door.put(path, `save ${count}`);
          if (status < 300) acknowledged.set(path, count);
          await delay(5);
        }
      })();
      try {
        for (const point of kills) {
          await delay(100 + ((point * 137) % 900));
          const hello = await until(() => lab.agent.findHello(), "nobody starts the agent again");
          const git = () => listLiving(lab.gitFolder);
          if (point % 2 === 0) await until(() => git()[0], "nothing is saved any more");
          if (point % 4 !== 2) await killHard(hello.pid);
          for (const pid of git()) await killHard(pid).catch(() => undefined);
        }
        await until(() => lab.agent.findHello(), "nobody starts the agent again");
      } finally {
        enough.abort();
      }
      await saving;
      expect([...acknowledged.keys()].toSorted()).toEqual(paths);
      await lab.untilThere(...paths);
      for (const [path, count] of acknowledged) expect(lab.there(path)).toContain(`save ${count}`);
      lab.expectSound();
      expect(lab.remote.git("fsck", "--full", "--no-dangling")).not.toContain("error");
      expect((await lab.report()).pid).toBe(pid);
      expect(lives(pid ?? 0)).toBe(true);
    },
  );
});
