// Notebooks saved through a real Jupyter while this machine fails: disks, the workspace, what its users do with git.
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { findMissingLab } from "../support/example-project.ts";
import { until } from "./support/processes.ts";
import { createSaveLab, type SaveLab } from "./support/save-lab.ts";
import { findMissingMount, mountSmallDisk, type SmallDisk } from "./support/small-disk.ts";
import { lookAtGit, makeUserRepositories, repositoryNames } from "./support/user-repositories.ts";

const missing = findMissingLab();
if (missing !== "") process.stderr.write(`save-lab.test.ts is skipped: ${missing}\n`);
const noDisk = missing === "" ? findMissingMount() : "";
if (noDisk !== "") process.stderr.write(`F7 is skipped: ${noDisk}\n`);

const mb = 1024 * 1024;

describe.skipIf(missing !== "")("a lab that is saved", { timeout: 120_000 }, () => {
  let lab: SaveLab;
  let savesDisk: SmallDisk | undefined;
  let untouched: Record<string, string>;
  const inWorkspace = (...path: string[]) => join(lab.workspace, ...path);

  beforeAll(async () => {
    const seed = Object.fromEntries([...Array(40).keys()].map((n) => [`bulk/${n}.csv`, `${n}\n`]));
    lab = await createSaveLab({
      kind: "daemon",
      seed: { "seeded.ipynb": "{}\n", ...seed },
      prepare(folder) {
        if (noDisk === "") savesDisk = mountSmallDisk(join(folder, ".sesta", "agent", "saves"), 400 * mb);
      },
    });
    makeUserRepositories(lab.workspace, join(lab.project.folder, "elsewhere"));
    untouched = lookAtGit(lab.workspace);
  });
  afterEach(() => expect(lookAtGit(lab.workspace)).toEqual(untouched));
  afterAll(async () => {
    savesDisk?.leave(400 * mb);
    savesDisk?.end();
    await lab?.end();
  });

  test("what the repository held already was in the workspace before Jupyter came", async () => {
    expect(lab.onDisk("seeded.ipynb")).toBe("{}\n");
    expect(lab.onDisk("bulk/39.csv")).toBe("39\n");
    expect((await lab.ask("/api/contents/seeded.ipynb?content=0")).status).toBe(200);
  });

  test("F11: mid-merge, mid-rebase, index.lock, detached, unborn, a submodule: notebooks in each are saved", async () => {
    const notebooks = ["mine.ipynb", ...repositoryNames.map((name) => `${name}/work.ipynb`)];
    await lab.save(...notebooks);
    await lab.untilHere(...notebooks, ...repositoryNames.map((name) => `${name}/code.py`));
    expect(lab.here("merge/code.py")).toContain("<<<<<<<");
    await lab.save(...notebooks);
    await lab.untilThere(...notebooks);
    expect(await lab.why()).toMatchObject({ save: { problem: null, set_aside: [] } });
    lab.expectSound();
  });

  test("F11: a kernel that writes without a pause: what it wrote before is saved meanwhile, all of it in the end", async () => {
    const kernel = await lab.startKernel();
    const end = join(lab.project.folder, "enough");
    const cell = `import os, time
with open("train.log", "w") as log:
    n = 0
    while not os.path.exists(${JSON.stringify(end)}):
        log.write(f"epoch {n}\\n"); log.flush(); n += 1; time.sleep(0.001)
    log.write("done\\n")`;
    const ran = kernel.run(cell);
    await until(() => existsSync(inWorkspace("train.log")), "the cell does not run");
    await lab.save("beside.ipynb");
    await lab.untilHere("beside.ipynb");
    const early = await until(() => lab.here("train.log"), "nothing of the log is saved while it is written");
    await until(() => (lab.here("train.log")?.length ?? 0) > early.length, "it is saved only once");
    expect(lab.onDisk("train.log").startsWith(lab.here("train.log") ?? "?")).toBe(true);
    writeFileSync(end, "");
    await ran;
    kernel.drop();
    expect(lab.onDisk("train.log")).toMatch(/epoch \d+\ndone\n$/);
    await lab.untilThere("train.log", "beside.ipynb");
    expect((await lab.report()).save?.setAside).toEqual([]);
  });

  test("F10: a file of 120 MB is set aside and named, everything else is saved; smaller, it is saved", async () => {
    writeFileSync(inWorkspace("model.bin"), "weights");
    truncateSync(inWorkspace("model.bin"), 120 * mb);
    await lab.save("mine.ipynb");
    await lab.untilThere("mine.ipynb");
    await lab.untilSave(({ setAside }) => setAside.length === 1, "it is not set aside");
    const { save } = await lab.why();
    expect(save?.set_aside).toEqual([{ path: "model.bin", why: "120MB, more than 100MB" }]);
    expect(await lab.succeed("status")).toContain("1 file not saved: sesta why notebook");
    expect(lab.here("model.bin")).toBeUndefined();
    truncateSync(inWorkspace("model.bin"), 7);
    await lab.untilThere("model.bin");
  });

  test.skipIf(noDisk !== "")(
    "F7: no room for the saves: said, nothing of before is hurt, and when there is room it goes on by itself",
    async () => {
      await lab.save("full.ipynb");
      await lab.untilHere("full.ipynb");
      const [before, saved] = [lab.work(), lab.here("full.ipynb")];
      savesDisk?.leave(10 * mb);
      await lab.save("full.ipynb", "late.ipynb");
      await lab.untilSave(({ problem }) => problem?.kind === "disk", "a full disk is no problem");
      expect((await lab.why()).save).toMatchObject({
        problem: expect.stringMatching(/disk/i) as string,
        hint: expect.any(String) as string,
      });
      expect(await lab.succeed("status")).toMatch(/not saved|nearly full/);
      expect([lab.work(), lab.here("full.ipynb")]).toEqual([before, saved]);
      expect((await lab.report()).state).toBe("awake");
      savesDisk?.leave(300 * mb);
      await lab.untilThere("full.ipynb", "late.ipynb");
      lab.expectSound();
    },
  );

  test.skipIf(noDisk !== "")("F7: the disk of the saves is full in the middle of a save", async () => {
    const before = lab.work();
    savesDisk?.leave(66 * mb);
    writeFileSync(inWorkspace("noise.bin"), randomBytes(90 * mb));
    await lab.save("noisy.ipynb");
    const { save } = await lab.untilSave(
      ({ problem }) => problem?.kind === "disk",
      "a full disk is no problem",
    );
    expect(save?.problem?.message).not.toContain("nearly full"); // it was while it wrote
    expect(lab.work()).toBe(before);
    lab.expectSound();
    rmSync(inWorkspace("noise.bin"));
    expect(await lab.project.sesta(["save", "notebook"])).toMatchObject({ code: 0 });
    expect(lab.here("noisy.ipynb")).toBe(lab.onDisk("noisy.ipynb"));
    savesDisk?.leave(300 * mb);
    await lab.untilThere("noisy.ipynb");
    lab.expectSound();
  });

  test.skipIf(noDisk !== "")(
    "F7: the workspace's own disk is full: Jupyter says no, and the good notebook stays the saved one",
    async () => {
      const disk = mountSmallDisk(inWorkspace("small"), 20 * mb);
      try {
        await lab.save("small/full.ipynb");
        await lab.untilThere("small/full.ipynb");
        const good = lab.onDisk("small/full.ipynb");
        disk.leave(256 * 1024); // for the copy that Jupyter makes first, not for what it then writes
        expect(await lab.put("small/full.ipynb", "x".repeat(mb))).toBeGreaterThanOrEqual(500);
        disk.leave(0);
        expect(await lab.put("small/full.ipynb", "y".repeat(mb))).toBeGreaterThanOrEqual(500);
        await lab.save("outside.ipynb");
        await lab.untilThere("outside.ipynb");
        expect([lab.onDisk("small/full.ipynb"), lab.here("small/full.ipynb")]).toEqual([good, good]);
        expect(lab.sizesOf("small/full.ipynb")).toEqual([good.length]); // never an empty one in between
        disk.leave(5 * mb);
        await lab.save("small/full.ipynb");
        await lab.untilThere("small/full.ipynb");
      } finally {
        disk.end();
      }
      expect(readdirSync(inWorkspace("small"))).toEqual([]);
    },
  );

  test("F12: the workspace is moved away: an alarm and no save; back again, it goes on", async () => {
    await lab.save("moved.ipynb");
    await lab.untilThere("moved.ipynb");
    const [before, away] = [lab.work(), `${lab.workspace}-away`];
    renameSync(lab.workspace, away);
    await lab.untilSave(({ problem }) => problem?.kind === "workspace", "a missing workspace is no problem");
    expect((await lab.why()).save).toMatchObject({
      problem: expect.stringContaining(lab.workspace) as string,
      hint: expect.stringContaining("back") as string,
    });
    const failed = await lab.project.sesta(["save", "notebook"]);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("workspace")]);
    mkdirSync(lab.workspace); // as the mount point of a disk that is not mounted
    await lab.project.sesta(["save", "notebook"]);
    expect((await lab.report()).save?.problem?.kind).toBe("workspace");
    expect(lab.work()).toBe(before);
    rmSync(lab.workspace, { recursive: true });
    appendFileSync(join(away, "moved.ipynb"), "\n");
    renameSync(away, lab.workspace);
    await lab.save("after.ipynb");
    await lab.untilThere("moved.ipynb", "after.ipynb");
  });

  test("F12: more than half of the files deleted: held and said, the rest goes on, and a yes records it", async () => {
    const commit = lab.work() ?? "";
    rmSync(inWorkspace("bulk"), { recursive: true });
    const { save } = await lab.untilSave(({ held }) => held !== null, "nothing is held");
    expect(save?.held?.gone).toBe(40);
    await lab.save("mine.ipynb");
    await lab.untilThere("mine.ipynb");
    expect([lab.here("bulk/7.csv"), lab.there("bulk/7.csv")]).toEqual(["7\n", "7\n"]);
    expect((await lab.why()).save).toMatchObject({ held_deletions: 40 });
    expect((await lab.project.sesta(["save", "notebook"])).code).toBe(1);
    await lab.succeed("save", "notebook", "-y");
    expect([lab.here("bulk/7.csv"), lab.there("bulk/7.csv")]).toEqual([undefined, undefined]);
    expect((await lab.report()).save?.held).toBeNull();
    const to = join(lab.project.folder, "before");
    await lab.succeed("restore", "notebook", "--at", commit, "--to", to);
    expect(readFileSync(join(to, "bulk", "7.csv"), "utf8")).toBe("7\n");
  });
});
