// What is delivered to a remote that holds something already, moved on, or refuses: nothing of either side is lost.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createSaverRig, type SaverRig } from "../../../test/support/saver-rig.ts";
import { compareBranch, joinBranch } from "./branches.ts";
import type { Standing } from "./standing.ts";

let rig: SaverRig;
const ends: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  await rig.end();
  for (const end of ends.splice(0)) await end();
});

const save = (options = {}) =>
  rig.saver().save({ acceptDeletions: false, check: false, ...options }, rig.signal);
const report = () => rig.saver().report();
const day = 86_400_000;

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
    for (let count = 0; count < 6; count += 1) rig.write({ [`more-${count}.txt`]: `more ${count}` });
    await save();
    for (let count = 0; count < 5; count += 1) rig.remove(`more-${count}.txt`);
    rig.write({ "big.bin": "big" });
    await save();
    expect(report().held).toMatchObject({ gone: 5 });
    await rig.remote.start();
    rig.remote.hook("pre-receive", hook("big.bin"));
    await save();
    expect(rig.kept("more-2.txt")).toBe("more 2");
    expect(rig.kept("big.bin")).toBeUndefined();
    expect(rig.sent("more-2.txt")).toBe("more 2");
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

  test("others went on from the newest save: it is saved, told, and theirs comes when it is asked for", async () => {
    rig = await createSaverRig();
    rig.write({ "a.txt": "ours" });
    expect(await save()).toBe(true);
    const tip = rig.remote.pushElsewhere("main", { "b.txt": "theirs" });
    expect(await save({ check: true })).toBe(true);
    expect(report()).toMatchObject({ branch: "main", beside: null, behind: true, owedSince: null });
    expect(await compareBranch(rig.saver(), "main", rig.signal)).toMatchObject({
      ours: [],
      theirs: ["b.txt"],
    });
    await joinBranch(rig.saver(), "main", tip, rig.signal);
    expect(readFileSync(join(rig.workspace, "b.txt"), "utf8")).toBe("theirs");
    expect(report()).toMatchObject({ branch: "main", behind: false });
    expect(rig.remote.tip("main")).toBe(tip);
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
  test("what the repository holds appears, and what is here comes on top", async () => {
    rig = await createSaverRig();
    rig.remote.pushElsewhere("main", { "theirs.txt": "theirs", "same.txt": "same", "deep/x.txt": "x" });
    rig.write({ "same.txt": "same", "ours.txt": "ours" });
    await rig.saver().prepare("kept", rig.signal);
    expect(readFileSync(join(rig.workspace, "deep/x.txt"), "utf8")).toBe("x");
    expect(await save()).toBe(true);
    expect(["theirs.txt", "same.txt", "ours.txt", "deep/x.txt"].map((path) => rig.sent(path))).toEqual([
      "theirs",
      "same",
      "ours",
      "x",
    ]);
    expect(report()).toMatchObject({ branch: "main", beside: null });
  });

  test("a file that both have with different content undoes nothing there: saves go beside, until somebody decides", async () => {
    rig = await createSaverRig();
    const tip = rig.remote.pushElsewhere("main", { "theirs.txt": "theirs", "both.txt": "theirs" });
    rig.write({ "both.txt": "ours" });
    await rig.saver().prepare("kept", rig.signal);
    expect(readFileSync(join(rig.workspace, "both.txt"), "utf8")).toBe("ours");
    const path = join(rig.folder, "standing.json"); // killed before the first contact was noted as done
    const standing = JSON.parse(readFileSync(path, "utf8")) as Standing;
    writeFileSync(path, JSON.stringify({ ...standing, meeting: standing.remote, remote: null }));
    await rig.reopen();
    expect(await save()).toBe(true);
    expect(rig.remote.tip("main")).toBe(tip);
    expect(report()).toMatchObject({ branch: expect.stringMatching(/^sesta\/lab\//), beside: "main" });
    expect(rig.sent("both.txt", report().branch ?? "")).toBe("ours");
    await joinBranch(rig.saver(), "main", tip, rig.signal);
    expect([rig.sent("both.txt"), rig.sent("theirs.txt")]).toEqual(["ours", "theirs"]);
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
