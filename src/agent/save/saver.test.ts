// A workspace kept saved: what is owed is known and paid, whatever becomes of the remote, the clock and the process.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createGitRemote } from "../../../test/support/git-remote.ts";
import { createSaverRig, type SaverRig } from "../../../test/support/saver-rig.ts";
import { compareBranch, joinBranch } from "./branches.ts";
import { deliver, isOwed } from "./delivery.ts";

let rig: SaverRig;
const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  await rig.end();
  for (const end of ends.splice(0)) await end();
});

const save = (options = {}) =>
  rig.saver().save({ acceptDeletions: false, check: false, ...options }, rig.signal);
const report = () => rig.saver().report();
const standingFile = () => join(rig.folder, "standing.json");
const changeStanding = (change: object) => {
  const known = JSON.parse(readFileSync(standingFile(), "utf8")) as object;
  writeFileSync(standingFile(), JSON.stringify({ ...known, ...change }));
};
const day = 86_400_000;

describe("F8: a remote that is away for an hour", () => {
  test(
    "local saves go on, tries become seldom, and all arrives within 5 min of its return",
    { timeout: 240_000 },
    async () => {
      rig = await createSaverRig();
      rig.saver().keep();
      rig.write({ "first.txt": "first\n" });
      await rig.moveUntil(() => report().savedAt !== null && report().owedSince === null, "never saved");
      await rig.remote.stop();
      rig.reports.length = 0;
      const away = rig.clock.now();
      for (let minute = 0; minute < 60; minute += 1) {
        const text = `minute ${minute}`;
        rig.write({ [`minute-${minute % 7}.txt`]: text });
        await rig.moveUntil(() => rig.kept(`minute-${minute % 7}.txt`) === text, `${text} is not saved here`);
        await rig.clock.advance(Math.max(0, away + (minute + 1) * 60_000 - rig.clock.now()));
      }
      await rig.until(() => report().problem, "no problem is told");
      const { problem, owedSince } = report();
      expect(problem).toMatchObject({ kind: "unreachable" });
      expect(owedSince).toBeGreaterThanOrEqual(away);
      expect(owedSince).toBeLessThan(away + 60_000);
      expect(problem?.since).toBeLessThan(away + 60_000);
      const pauses = rig.reports.flatMap(({ problem: told }) =>
        told?.retryAt ? [told.retryAt - told.since] : [],
      );
      expect(pauses.length).toBeGreaterThan(0);
      const waitMs = (problem?.retryAt ?? Infinity) - rig.clock.now();
      expect(waitMs).toBeLessThanOrEqual(5 * 60_000);
      await rig.remote.start();
      await rig.clock.advance(Math.max(0, waitMs));
      await rig.until(() => report().owedSince === null, "what is owed does not arrive");
      expect(rig.remote.tip("main")).toBe(rig.head());
      expect(rig.sent("minute-3.txt")).toBe("minute 59");
      expect(report()).toMatchObject({ problem: null, savedAt: rig.clock.now() });
    },
  );

  test("the pauses between the tries grow to 5 min and no further", async () => {
    rig = await createSaverRig();
    await rig.remote.stop();
    rig.write({ "a.txt": "a" });
    rig.saver().keep();
    const pauses: number[] = [];
    for (let tries = 0; tries < 11; tries += 1) {
      const { problem } = await rig.until(
        () => (report().problem?.retryAt ?? 0) > rig.clock.now() && report(),
        "not tried",
      );
      pauses.push((problem?.retryAt ?? 0) - rig.clock.now());
      await rig.clock.advance(pauses.at(-1) ?? 0);
    }
    expect(pauses.slice(0, 3)).toEqual([2_000, 4_000, 8_000]);
    expect(pauses.slice(-2)).toEqual([300_000, 300_000]);
  });

  test("whoever asks for a save need not wait for the next try", async () => {
    rig = await createSaverRig();
    await rig.remote.stop();
    rig.write({ "a.txt": "a" });
    expect(await save({ check: true })).toBe(false);
    expect(report()).toMatchObject({ problem: { kind: "unreachable" }, savedAt: null });
    expect(report().owedSince).not.toBeNull();
    await rig.remote.start();
    expect(await save({ check: true })).toBe(true);
    expect(report()).toMatchObject({ problem: null, owedSince: null, savedAt: rig.clock.now() });
  });

  test("the debt outlives the process", async () => {
    rig = await createSaverRig();
    await save();
    await rig.remote.stop();
    rig.write({ "a.txt": "a" });
    await save();
    const { owedSince } = report();
    expect(owedSince).not.toBeNull();
    await rig.clock.advance(10_000);
    await rig.reopen();
    await rig.saver().open();
    expect(report().owedSince).toBe(owedSince);
    await rig.remote.start();
    rig.saver().keep();
    await rig.moveUntil(() => report().owedSince === null, "it does not arrive");
    expect(rig.sent("a.txt")).toBe("a");
  });

  test("an empty workspace does not hide that the remote cannot be reached", async () => {
    rig = await createSaverRig();
    expect(await save({ check: true })).toBe(true);
    await rig.remote.stop();
    expect(await save({ check: true })).toBe(false);
    expect(report().problem).toMatchObject({ kind: "unreachable" });
  });
});

describe("F8: killed between any two writes", () => {
  test("after a commit, before the debt was noted", async () => {
    rig = await createSaverRig();
    await save();
    await rig.remote.stop();
    rig.write({ "a.txt": "a" });
    await save();
    await rig.reopen();
    changeStanding({ owedSince: null });
    rig.saver().keep();
    await rig.moveUntil(() => report().owedSince !== null, "the debt is not told");
  });

  test("after the remote's word, before it was noted", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    expect(await save()).toBe(true);
    await rig.reopen();
    changeStanding({ owedSince: rig.clock.now(), savedAt: null });
    await rig.remote.stop();
    await rig.saver().open();
    rig.saver().keep();
    await rig.moveUntil(() => report().owedSince === null, "a debt is told that is none");
    expect(report().savedAt).not.toBeNull();
  });

  test("a damaged standing: what others did to the branch meanwhile is not undone", async () => {
    rig = await createSaverRig();
    rig.write({ "shared.txt": "ours", "kept.txt": "kept" });
    expect(await save()).toBe(true);
    rig.remote.pushElsewhere("main", { "shared.txt": "theirs", "kept.txt": null });
    const tip = rig.remote.tip("main");
    await rig.reopen();
    writeFileSync(standingFile(), '{"remote":"');
    rig.write({ "new.txt": "new" });
    await save({ check: true });
    await save({ check: true });
    expect(rig.remote.tip("main")).toBe(tip);
    expect(report()).toMatchObject({ beside: "main", owedSince: null });
    expect(rig.sent("new.txt", report().branch ?? "")).toBe("new");
  });
});

describe("the standing", () => {
  test("two changes at once are both kept", async () => {
    rig = await createSaverRig();
    await rig.saver().open();
    const { stand, standing } = rig.saver().saving;
    await Promise.all([stand({ savedAt: 1 }), stand({ branch: "one" }), stand({ owedSince: 3 })]);
    const expected = { savedAt: 1, branch: "one", owedSince: 3 };
    expect(standing()).toMatchObject(expected);
    expect(JSON.parse(readFileSync(standingFile(), "utf8"))).toMatchObject(expected);
  });

  test("a save made while the remote's word comes in is still owed", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    await save();
    const { saving } = rig.saver();
    rig.write({ "a.txt": "b" });
    await saving.here.run(() => saving.take({ full: true, acceptDeletions: false }));
    let taking: Promise<unknown> | undefined;
    const failure = await deliver(
      {
        ...saving,
        stand: async (change) => {
          if ("owedSince" in change && !taking) {
            rig.write({ "a.txt": "c" });
            taking = saving.here.run(() => saving.take({ full: true, acceptDeletions: false }));
            await Promise.race([taking, new Promise((resolve) => void setTimeout(resolve, 700))]);
          }
          return saving.stand(change);
        },
      },
      false,
      rig.signal,
    );
    await taking;
    expect(failure).toBeUndefined();
    expect(await isOwed(saving)).toBe(true);
    expect(report().owedSince).not.toBeNull();
  });

  test("F7: while it cannot be written nothing is forgotten", async () => {
    rig = await createSaverRig();
    rig.saver().keep();
    await rig.moveUntil(() => report().branch === "main", "no first contact");
    rmSync(standingFile());
    mkdirSync(join(standingFile(), "in the way"), { recursive: true });
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.kept("a.txt") === "a", "not saved here");
    await rig.moveUntil(() => report().problem, "nobody is told");
    rmSync(standingFile(), { recursive: true });
    await rig.moveUntil(() => rig.sent("a.txt") === "a", "it never arrives");
    await rig.moveUntil(() => report().owedSince === null && !report().problem, "it is not told");
  });
});

describe("F13: the wall clock jumps", () => {
  test.each([day, -day])("by %d ms: a change is saved and sent at the same pace", async (jump) => {
    rig = await createSaverRig();
    rig.saver().keep();
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.sent("a.txt") && report().owedSince === null, "not sent");
    await rig.remote.stop();
    rig.write({ "b.txt": "b" });
    await rig.moveUntil(() => rig.kept("b.txt") && report().problem, "not told");
    rig.clock.jumpWall(jump);
    rig.write({ "c.txt": "c" });
    const before = rig.clock.monotonic();
    await rig.moveUntil(() => rig.kept("c.txt"), "not saved here");
    expect(rig.clock.monotonic() - before).toBeLessThan(day / 2);
    await rig.remote.start();
    await rig.clock.advance(300_000);
    await rig.until(() => rig.sent("c.txt"), "not sent");
  });
});

describe("F10: what the remote refuses", () => {
  // GitHub's words (docs.github.com: about large files on GitHub).
  const hook = (file: string) =>
    `while read -r old new ref; do if git ls-tree -r --name-only "$new" | grep -qx '${file}'; then
echo "error: Trace: 0123"; echo "error: See https://gh.io/lfs for more information."
echo "error: File ${file} is 123.00 MB; this exceeds GitHub's file size limit of 100.00 MB"
echo "error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com."
exit 1; fi; done >&2`;

  test("a file that it names is set aside, the rest is saved, and it is asked again on a save", async () => {
    rig = await createSaverRig();
    rig.remote.hook("pre-receive", hook("big.bin"));
    rig.write({ "a.txt": "a", "big.bin": "big" });
    expect(await save()).toBe(true);
    expect(rig.sent("a.txt")).toBe("a");
    expect(report().setAside).toMatchObject([{ path: "big.bin", kind: "refused" }]);
    rig.write({ "a.txt": "b" });
    expect(await save()).toBe(true);
    rig.remote.hook("pre-receive", null);
    expect(rig.sent("big.bin")).toBeUndefined();
    expect(await save({ check: true })).toBe(true);
    expect(rig.sent("big.bin")).toBe("big");
    expect(report().setAside).toEqual([]);
  });

  test("files that vanished and are held stay saved when the save is made again", async () => {
    rig = await createSaverRig();
    rig.write({ "one.txt": "1", "two.txt": "2" });
    expect(await save()).toBe(true);
    await rig.remote.stop();
    for (let count = 0; count < 6; count += 1) rig.write({ [`more-${count}.txt`]: `${count}` });
    await save();
    for (let count = 0; count < 5; count += 1) rig.remove(`more-${count}.txt`);
    rig.write({ "big.bin": "big" });
    await save();
    expect(report().held).toMatchObject({ gone: 5 });
    await rig.remote.start();
    rig.remote.hook("pre-receive", hook("big.bin"));
    await save();
    expect(rig.kept("more-2.txt")).toBe("2");
    expect(rig.kept("big.bin")).toBeUndefined();
    expect(rig.sent("more-2.txt")).toBe("2");
    expect(report().held).toMatchObject({ gone: 5 });
  });

  test("a hook that refuses everything: told, kept here, sent when it lets them through", async () => {
    rig = await createSaverRig();
    rig.remote.hook("pre-receive", "echo 'not today' >&2; exit 1");
    rig.write({ "a.txt": "a" });
    expect(await save()).toBe(false);
    expect(report().problem).toMatchObject({ kind: "refused" });
    expect(report().problem?.message).toContain("not today");
    rig.remote.hook("pre-receive", null);
    expect(await save()).toBe(true);
  });
});

describe("F9: branches", () => {
  test("a branch that moved: the saves go beside it, confirmed, and it stays as it is", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    await save();
    rig.remote.pushElsewhere("main", { "a.txt": "theirs" });
    const tip = rig.remote.tip("main");
    rig.write({ "a.txt": "ours" });
    expect(await save()).toBe(true);
    expect(report()).toMatchObject({ branch: "sesta/lab/2030-01-01", beside: "main", owedSince: null });
    expect(rig.sent("a.txt", "sesta/lab/2030-01-01")).toBe("ours");
    expect(rig.remote.tip("main")).toBe(tip);
    rig.clock.jumpWall(day);
    rig.write({ "a.txt": "more" });
    expect(await save()).toBe(true);
    expect(report().branch).toBe("sesta/lab/2030-01-01");
  });

  test("a branch that was deleted is made again", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    await save();
    rig.remote.git("update-ref", "-d", "refs/heads/main");
    expect(await save({ check: true })).toBe(true);
    expect(rig.remote.tip("main")).toBe(rig.head());
  });

  test("a branch on which others went on from our very save holds it", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    await save();
    const tip = rig.remote.pushElsewhere("main", { "b.txt": "b" });
    expect(await save({ check: true })).toBe(true);
    expect(report()).toMatchObject({ branch: "main", beside: null, owedSince: null });
    expect(rig.remote.tip("main")).toBe(tip);
  });

  test("naming the branch that others moved does not undo what they did", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    await save();
    rig.remote.pushElsewhere("main", { "a.txt": "theirs" });
    const tip = rig.remote.tip("main");
    rig.saver().setRule({ ...rig.rule, branch: "main" });
    rig.write({ "b.txt": "b" });
    expect(await save()).toBe(true);
    expect(rig.remote.tip("main")).toBe(tip);
    expect(report().beside).toBe("main");
  });

  test("brought together: theirs comes into the workspace, and the branch has both", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a", "b.txt": "b" });
    await save();
    rig.remote.pushElsewhere("main", { "a.txt": "theirs" });
    rig.write({ "b.txt": "ours" });
    await save();
    const { tip, ours, theirs } = await compareBranch(rig.saver(), "main", rig.signal);
    expect({ ours, theirs }).toEqual({ ours: ["b.txt"], theirs: ["a.txt"] });
    await joinBranch(rig.saver(), "main", tip, rig.signal);
    expect(report()).toMatchObject({ branch: "main", beside: null, owedSince: null });
    expect([rig.sent("a.txt"), rig.sent("b.txt")]).toEqual(["theirs", "ours"]);
    expect(readFileSync(join(rig.workspace, "a.txt"), "utf8")).toBe("theirs");
  });

  test("F12: with the workspace away nothing is brought together, and nothing is deleted", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a", "b.txt": "b", "c.txt": "c" });
    await save();
    rig.remote.pushElsewhere("main", { "d.txt": "theirs" });
    rig.write({ "b.txt": "ours" });
    await save();
    const tip = rig.remote.tip("main") ?? "";
    renameSync(rig.workspace, `${rig.workspace}.away`);
    mkdirSync(rig.workspace);
    await expect(joinBranch(rig.saver(), "main", tip, rig.signal)).rejects.toThrow(/another folder/);
    expect(rig.remote.tip("main")).toBe(tip);
    expect(await rig.saver().save({ acceptDeletions: false, check: true }, rig.signal)).toBe(false);
  });

  test("F12: held deletions are not confirmed by bringing branches together", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a", "b.txt": "b", "c.txt": "c" });
    await save();
    rig.remote.pushElsewhere("main", { "d.txt": "theirs" });
    rig.write({ "c.txt": "ours" });
    await save();
    const tip = rig.remote.tip("main") ?? "";
    rig.remove("a.txt");
    rig.remove("b.txt");
    await expect(joinBranch(rig.saver(), "main", tip, rig.signal)).rejects.toThrow(/vanished/);
    expect(rig.remote.tip("main")).toBe(tip);
  });
});

describe("first contact", () => {
  test("what the repository holds appears, and what is here stays", async () => {
    rig = await createSaverRig();
    rig.remote.pushElsewhere("main", { "theirs.txt": "theirs", "both.txt": "theirs", "deep/x.txt": "x" });
    rig.write({ "both.txt": "ours", "ours.txt": "ours" });
    await rig.saver().prepare("kept", rig.signal);
    expect(readFileSync(join(rig.workspace, "deep/x.txt"), "utf8")).toBe("x");
    expect(readFileSync(join(rig.workspace, "both.txt"), "utf8")).toBe("ours");
    expect(await save()).toBe(true);
    expect(["theirs.txt", "both.txt", "ours.txt", "deep/x.txt"].map((path) => rig.sent(path))).toEqual([
      "theirs",
      "ours",
      "ours",
      "x",
    ]);
  });

  test("unreachable at first: saved here; then nothing of either side is lost", async () => {
    rig = await createSaverRig();
    rig.remote.pushElsewhere("main", { "theirs.txt": "theirs", "deep/x.txt": "x" });
    await rig.remote.stop();
    rig.saver().keep();
    rig.write({ "ours.txt": "1" });
    await rig.moveUntil(() => rig.kept("ours.txt") === "1" && report().problem, "not saved here");
    rig.write({ "ours.txt": "2" });
    await rig.moveUntil(() => rig.kept("ours.txt") === "2", "not saved here");
    expect(report().owedSince).not.toBeNull();
    const first = rig.head();
    await rig.remote.start();
    await rig.clock.advance(300_000);
    await rig.moveUntil(() => rig.sent("ours.txt") === "2" && report().owedSince === null, "not sent");
    expect([rig.sent("theirs.txt"), rig.sent("deep/x.txt")]).toEqual(["theirs", "x"]);
    expect(readFileSync(join(rig.workspace, "theirs.txt"), "utf8")).toBe("theirs");
    const old = rig.saver().saving.git.get(["for-each-ref", "--format=%(objectname)", "refs/sesta/old"]);
    expect((await old).split("\n")).toContain(first);
  });

  test("a remote that hangs does not hold up a start on a disk that is kept", async () => {
    const sockets: Socket[] = [];
    const hanging = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    ends.push(() => {
      for (const socket of sockets) socket.destroy();
      hanging.close();
    });
    await new Promise((resolve) => hanging.once("listening", resolve));
    const address = hanging.address();
    const port = typeof address === "object" && address ? address.port : 0;
    rig = await createSaverRig("path", { repo: `git://127.0.0.1:${port}/saves.git` });
    rig.write({ "a.txt": "a" });
    rig.saver().keep();
    await rig.until(() => sockets.length > 0, "the remote is not asked");
    const prepared = rig.saver().prepare("kept", rig.signal);
    await rig.until(() => rig.kept("a.txt"), "the hanging remote holds up what is saved here");
    let done = false;
    void prepared.then(() => (done = true));
    await rig.moveUntil(() => done, "the start waits for the remote");
    rig.write({ "b.txt": "b" });
    await rig.moveUntil(() => rig.kept("b.txt"), "the hanging remote holds up what is saved here");
  });

  test("on a disk that comes back empty, without the remote, it does not start", async () => {
    rig = await createSaverRig();
    await rig.remote.stop();
    await expect(rig.saver().prepare("lost", rig.signal)).rejects.toMatchObject({ code: "SAVE_REMOTE" });
  });

  test("submodules and odd names of theirs stay on the branch", async () => {
    rig = await createSaverRig();
    const commit = rig.remote.pushElsewhere("main", { "a.txt": "a" });
    const odd = rig.remote.git("hash-object", "-w", "config");
    const { spawnSync } = await import("node:child_process");
    const entries = Buffer.concat([
      Buffer.from(`160000 commit ${commit}\tsub\x00100644 blob ${odd}\t`),
      Buffer.from([0x66, 0xff]),
      Buffer.from("\x00"),
      Buffer.from(`100644 blob ${odd}\ta.txt\x00`),
    ]);
    const tree = spawnSync("git", ["mktree", "-z"], { cwd: rig.remote.folder, input: entries }).stdout;
    const tip = spawnSync("git", ["commit-tree", tree.toString().trim(), "-p", commit, "-m", "odd"], {
      cwd: rig.remote.folder,
      encoding: "utf8",
      env: {
        ...process.env,
        GIT_AUTHOR_NAME: "E",
        GIT_AUTHOR_EMAIL: "e@e",
        GIT_COMMITTER_NAME: "E",
        GIT_COMMITTER_EMAIL: "e@e",
      },
    }).stdout.trim();
    rig.remote.git("update-ref", "refs/heads/main", tip);
    rig.write({ "ours.txt": "ours" });
    expect(await save()).toBe(true);
    rig.write({ "ours.txt": "more" });
    expect(await save()).toBe(true);
    const names = rig.remote.git("ls-tree", "--name-only", "main").split("\n").toSorted();
    expect(names).toEqual(['"f\\377"', "a.txt", "ours.txt", "sub"].toSorted());
  });
});

describe("the rule and the token", () => {
  test("another repository gets everything, also while the former hangs", async () => {
    rig = await createSaverRig();
    rig.saver().keep();
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.sent("a.txt") && report().owedSince === null, "not sent");
    rig.remote.hook("pre-receive", `touch "${rig.root}/reached"; while test ! -e "${rig.root}/go"; do sleep 0.05; done`);
    rig.write({ "a.txt": "b" });
    await rig.moveUntil(() => isThere(join(rig.root, "reached")), "the remote is not asked");
    mkdirSync(join(rig.root, "second"));
    const second = await createGitRemote("path", join(rig.root, "second"));
    second.pushElsewhere("main", { "there.txt": "there" });
    rig.saver().setRule({ ...rig.rule, repo: second.url });
    await rig.moveUntil(() => second.git("ls-tree", "--name-only", "main").includes("a.txt"), "not sent");
    expect(second.git("show", "main:a.txt")).toBe("b");
    expect(second.git("show", "main:there.txt")).toBe("there");
    await rig.moveUntil(() => report().owedSince === null && !report().problem, "not settled");
    writeFileSync(join(rig.root, "go"), "");
  });

  test("another repository that is away: everything is owed", async () => {
    rig = await createSaverRig();
    rig.saver().keep();
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.sent("a.txt") && report().owedSince === null, "not sent");
    rig.saver().setRule({ ...rig.rule, repo: join(rig.root, "nowhere.git") });
    await rig.moveUntil(() => report().problem && report().owedSince !== null, "the debt is not told");
  });

  test("without its token the remote is not asked; with it everything arrives", async () => {
    rig = await createSaverRig("path", { token: "git_token" });
    rig.remote.hook("pre-receive", `touch "${rig.root}/asked"`);
    rig.saver().keep();
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.kept("a.txt") && report().owedSince !== null, "not saved here");
    await rig.clock.advance(day);
    expect(await save({ check: true })).toBe(false);
    expect(report()).toMatchObject({ needsToken: true, savedAt: null, problem: null });
    expect(isThere(join(rig.root, "asked"))).toBe(false);
    rig.saver().setToken("a-long-token-value");
    expect(report().needsToken).toBe(false);
    await rig.until(() => rig.sent("a.txt") && report().owedSince === null, "not sent");
  });

  test("a rule that needs its token no more is followed at once", async () => {
    rig = await createSaverRig("path", { token: "git_token" });
    rig.saver().keep();
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.kept("a.txt") && report().owedSince !== null, "not saved here");
    const { token: _, ...open } = rig.rule;
    rig.saver().setRule(open);
    await rig.until(() => rig.sent("a.txt"), "not sent");
  });
});

describe("its end", () => {
  test("nothing is done after it", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "a" });
    await save();
    const closed = rig.saver().close();
    rig.write({ "a.txt": "b" });
    await expect(save()).rejects.toThrow();
    await closed;
    expect(rig.kept("a.txt")).toBe("a");
  });
});

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
