// A saver killed at many moments while files change and its remote refuses, moves or takes what it sends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { runGit } from "../support/git-remote.ts";
import { createSaverRig, type SaverRig } from "../support/saver-rig.ts";
import { limitMs, points } from "./support/points.ts";
import { until } from "./support/processes.ts";

let rig: SaverRig;
afterEach(() => rig.end());

const rounds = points(12, 60);

/** The remote refuses one file by name, as long as it is in what is pushed. */
const refuse = `while read -r old new ref; do
if git ls-tree -r --name-only "$new" | grep -qx big.bin; then echo "error: big.bin is too big" >&2; exit 1; fi; done`;

test(
  "F8, F9, F10: at no moment is a save lost, forced, or its debt forgotten",
  { timeout: limitMs(12, 60, 8_000) },
  async () => {
    rig = await createSaverRig();
    rig.remote.pushElsewhere("main", { "theirs.txt": "theirs" });
    let count = 0;
    const tips = new Set<string>();
    const noteTips = () => {
      for (const tip of rig.remote.git("for-each-ref", "--format=%(objectname)", "refs/heads").split("\n"))
        tips.add(tip);
    };
    // What the killed saver began to push may still arrive: others then fetch and push again, as people do.
    const pushElsewhere = (files: Record<string, string>) =>
      until(() => {
        try {
          return rig.remote.pushElsewhere("main", files);
        } catch {
          return undefined;
        }
      }, "others cannot push");
    for (const round of rounds) {
      rig.remote.hook("pre-receive", null); // others have the file already, and are not refused for it
      if (round % 4 === 3) await pushElsewhere({ [`theirs-${round}.txt`]: "theirs" });
      if (round % 5 === 2 || round % 5 === 3) rig.remote.hook("pre-receive", refuse);
      rig.write({ "big.bin": `big ${round}` });
      const child = spawn(
        process.execPath,
        [
          join(import.meta.dirname, "..", "support", "saver-main.ts"),
          join(rig.root, "home"),
          rig.workspace,
          rig.remote.url,
        ],
        { stdio: ["pipe", "ignore", "inherit"], env: { PATH: process.env["PATH"], HOME: rig.root } },
      );
      const ended = once(child, "exit");
      const killAt = performance.now() + 350 + 37 * round;
      while (performance.now() < killAt) {
        rig.write({ [`ours-${(count += 1)}.txt`]: `${count}` });
        noteTips();
        await delay(15);
      }
      child.kill("SIGKILL");
      await ended;
      noteTips();
    }
    rig.remote.hook("pre-receive", null);
    await rig.reopen();
    expect(await rig.saver().save({ acceptDeletions: false, check: true }, rig.signal)).toBe(true);
    const report = rig.saver().report();
    expect(report).toMatchObject({ owedSince: null, problem: null, setAside: [], held: null });
    const branch = report.branch ?? "";
    const names = new Set(rig.remote.git("ls-tree", "-r", "--name-only", branch).split("\n"));
    const ours = Array.from({ length: count }, (_, index) => `ours-${index + 1}.txt`);
    expect([...ours, "big.bin", "theirs.txt"].filter((name) => !names.has(name))).toEqual([]);
    expect(rig.remote.tip(branch)).toBe(rig.head());
    rig.remote.git("fsck", "--strict", "--no-dangling");
    runGit(join(rig.folder, "git"), "fsck", "--no-dangling");
    const reachable = new Set(rig.remote.git("rev-list", "--branches").split("\n"));
    expect([...tips].filter((tip) => tip !== "" && !reachable.has(tip))).toEqual([]);
  },
);
