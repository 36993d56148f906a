// The remote half of saving against real remotes that fail in every way that remotes do.
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { confirmedRef, workRef } from "../../src/commands/git.ts";
import { createGit, type Git } from "../../src/agent/save/git.ts";
import { createRemote, RemoteError } from "../../src/agent/save/remote/remote.ts";
import { listTree, writeTree } from "../../src/agent/save/files/write-tree.ts";
import type { SaveRule } from "../../src/model/launch.ts";
import { findInFiles, findInProcesses } from "../support/canary.ts";
import { commitFiles } from "../support/commit-files.ts";
import { findMissingPackage } from "../support/debian-package.ts";
import { createGitRemote, runGit, type GitRemote, type RemoteKind } from "../support/git-remote.ts";
import { killHard, listLiving, lives, until } from "./support/processes.ts";

const kinds: RemoteKind[] = ["path", "daemon", "http"];
const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

type Rig = Awaited<ReturnType<typeof createRig>>;

async function createRig(kind: RemoteKind, env: Record<string, string> = {}, ...tokens: string[]) {
  const root = mkdtempSync(join(tmpdir(), "sesta-remote-"));
  ends.push(() => rmSync(root, { recursive: true, force: true }));
  const home = join(root, "home");
  mkdirSync(home);
  const there = await createGitRemote(kind, root, ...tokens);
  ends.push(there.stop);
  runGit(root, "init", "--quiet", "--bare", "--initial-branch=main", join(root, "git"));
  const git = createGit(join(root, "git"), {
    PATH: process.env["PATH"],
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    ...env,
  });
  const rule: SaveRule = {
    repo: there.url,
    branch: null,
    include: [],
    exclude: [],
    maxFileBytes: 1e8,
    everyMs: 1e4,
    lfs: false,
  };
  const now = { rule, token: tokens[0] };
  const remote = createRemote({ git, rule: () => now.rule, token: () => now.token, clock: systemClock });
  return {
    root,
    home,
    there,
    git,
    remote,
    now,
    save: (files: Parameters<typeof commitFiles>[2]) => commitFiles(git, workRef, files),
  };
}

const confirmedOf = async (git: Git) =>
  (await git.run(["rev-parse", "--verify", "--quiet", confirmedRef])).stdout.trim();
const isSound = (there: GitRemote) => there.git("fsck", "--full", "--strict", "--no-dangling");

describe.each(kinds)("a remote by %s", (kind) => {
  it("holds what is confirmed, and nothing is confirmed before", async () => {
    const { remote, there, git, save } = await createRig(kind);
    expect(await remote.look()).toEqual({ branch: "main", tip: null });
    const first = await save({ "a.txt": "1" });
    expect(await remote.push(first, "main")).toEqual({ kind: "confirmed" });
    expect(there.tip("main")).toBe(first);
    expect(await confirmedOf(git)).toBe(first);
    expect(await remote.push(first, "main")).toEqual({ kind: "confirmed" });
    const second = await save({ "a.txt": "2" });
    expect(await remote.push(second, "main")).toEqual({ kind: "confirmed" });
    expect(await remote.look()).toEqual({ branch: "main", tip: second });
    isSound(there);
  });

  it("F8: that is down is unreachable, and confirms when it is back", async () => {
    const { remote, there, git, save } = await createRig(kind);
    const first = await save({ "a.txt": "1" });
    await remote.push(first, "main");
    await there.stop();
    const second = await save({ "a.txt": "2" });
    expect(await remote.push(second, "main")).toMatchObject({
      kind: "unreachable",
      message: expect.any(String),
    });
    await expect(remote.look()).rejects.toMatchObject({ code: "SAVE_REMOTE", kind: "unreachable" });
    await expect(remote.fetch("main")).rejects.toBeInstanceOf(RemoteError);
    expect(await confirmedOf(git)).toBe(first);
    await there.start();
    expect(await remote.push(second, "main")).toEqual({ kind: "confirmed" });
    expect(there.tip("main")).toBe(second);
  });

  it("F9: whose branch moved keeps both tips, and nothing is forced", async () => {
    const { remote, there, git, save } = await createRig(kind);
    await remote.push(await save({ "a.txt": "1" }), "main");
    const theirs = there.pushElsewhere("main", { "b.txt": "theirs" });
    const ours = await save({ "a.txt": "2" });
    expect(await remote.push(ours, "main")).toEqual({ kind: "moved" });
    expect(await remote.fetch("main")).toBe(theirs);
    const beside = await remote.nameBeside("lab", Date.UTC(2030, 4, 6, 23));
    expect(beside).toBe("sesta/lab/2030-05-06");
    expect(await remote.push(ours, beside)).toEqual({ kind: "confirmed" });
    expect([there.tip("main"), there.tip(beside)]).toEqual([theirs, ours]);
    expect(await confirmedOf(git)).toBe(ours);
    // Its own branch serves the whole day; somebody else's does not.
    expect(await remote.nameBeside("lab", Date.UTC(2030, 4, 6))).toBe(beside);
    there.pushElsewhere(beside, { "c.txt": "also here" });
    expect(await remote.nameBeside("lab", Date.UTC(2030, 4, 6))).toBe(`${beside}-2`);
    isSound(there);
  });

  it("F10: that refuses says why and which file, and takes the next one", async () => {
    const { remote, there, git, save } = await createRig(kind);
    there.hook("pre-receive", "echo 'not on Fridays' >&2; exit 1");
    const first = await save({ "a.txt": "1" });
    expect(await remote.push(first, "main")).toMatchObject({
      kind: "refused",
      files: [],
      message: expect.stringMatching(/pre-receive hook declined.*not on Fridays/),
    });
    there.hook(
      "pre-receive",
      "echo 'error: File data/big model.bin is 120.00 MB; this exceeds the limit' >&2; exit 1",
    );
    const second = await save({ "a.txt": "1", "data/big model.bin": "big" });
    expect(await remote.push(second, "main")).toMatchObject({
      kind: "refused",
      files: ["data/big model.bin"],
    });
    there.hook(
      "pre-receive",
      'while read old new ref; do echo "- $(git rev-parse $new:a.txt) (123 MiB)" >&2; done; exit 1',
    );
    expect(await remote.push(second, "main")).toMatchObject({ kind: "refused", files: ["a.txt"] });
    expect(await confirmedOf(git)).toBe("");
    there.hook("pre-receive", null);
    expect(await remote.push(second, "main")).toEqual({ kind: "confirmed" });
  });

  it("aborted: a fetch and a push end at once, and go well the next time", async () => {
    const { remote, there, root, save } = await createRig(kind);
    const mark = join(root, "in-hook");
    there.hook("pre-receive", `touch '${mark}'; sleep 60`);
    const commit = await save({ "a.txt": randomBytes(3_000_000) });
    const controller = new AbortController();
    const push = remote.push(commit, "main", controller.signal);
    await until(() => existsSync(mark), "the hook does not run");
    controller.abort(new Error("enough"));
    await expect(push).rejects.toThrow("enough");
    there.hook("pre-receive", null);
    await until(async () => (await remote.push(commit, "main")).kind === "confirmed", "it does not take it");
    const theirs = there.pushElsewhere("main", { "b.bin": randomBytes(500_000).toString("hex") });
    await expect(remote.fetch("main", AbortSignal.abort(new Error("no")))).rejects.toThrow("no");
    expect(await remote.fetch("main")).toBe(theirs);
    expect(listLiving(root).filter((pid) => lives(pid) && isOurGit(pid, root))).toEqual([]);
  });
});

/** The side that pushes and fetches; what serves the remote ends in its own time. */
function isOurGit(pid: number, root: string): boolean {
  return readCommand(pid).includes(`--git-dir=${join(root, "git")}`);
}

function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

describe("which branch", () => {
  it("is the rule's, else the remote's own, else main", async () => {
    const { remote, there, now, save } = await createRig("path");
    const elsewhere = there.pushElsewhere("trunk", { "a.txt": "1" });
    there.pushElsewhere("x/refs/heads/main", { "a.txt": "a name that only looks right" });
    expect(await remote.look()).toEqual({ branch: "main", tip: null });
    there.git("symbolic-ref", "HEAD", "refs/heads/trunk");
    expect(await remote.look()).toEqual({ branch: "trunk", tip: elsewhere });
    now.rule = { ...now.rule, branch: "mine" };
    expect(await remote.look()).toEqual({ branch: "mine", tip: null });
    await remote.push(await save({ "a.txt": "2" }), "mine");
    expect(there.tip("mine")).toBeDefined();
    there.pushElsewhere("sesta", { "a.txt": "a branch where folders are wanted" });
    const name = await remote.nameBeside("lab", Date.UTC(2030, 0, 1));
    expect(name).toBe("sesta-lab-2030-01-01");
  });
});

describe("F10, T4: a token", () => {
  const token = `canary-${randomBytes(12).toString("hex")}`;

  it("that is wrong or missing is told as such, and the right one is let in", async () => {
    const { remote, there, now, save } = await createRig("http", {}, token);
    const commit = await save({ "a.txt": "1" });
    now.token = undefined;
    expect(await remote.push(commit, "main")).toMatchObject({ kind: "token" });
    now.token = "canary-wrong-one";
    const outcome = await remote.push(commit, "main");
    expect(outcome).toMatchObject({ kind: "token" });
    expect(JSON.stringify(outcome)).not.toContain("canary-wrong-one");
    now.token = token;
    expect(await remote.push(commit, "main")).toEqual({ kind: "confirmed" });
    there.allow("another");
    expect(await remote.push(await save({ "a.txt": "2" }), "main")).toMatchObject({ kind: "token" });
    await expect(remote.look()).rejects.toMatchObject({ kind: "token" });
  });

  it("is in no command line, address, file or trace while it is used", async () => {
    const { root } = await createPlace();
    const trace = join(root, "trace");
    const traces = {
      GIT_TRACE: trace,
      GIT_TRACE_CURL: `${trace}-curl`,
      GIT_TRACE_REDACT: "0",
      GIT_CURL_VERBOSE: "1",
      GIT_TRACE2_EVENT: `${trace}-2`,
    };
    const rig = await createRig("http", traces, token);
    writeFileSync(
      join(rig.home, ".gitconfig"),
      `[trace2]\n\teventTarget = ${trace}-3\n\tenvVars = SESTA_GIT_TOKEN\n[core]\n\tlogAllRefUpdates = always\n`,
    );
    const mark = join(rig.root, "in-hook");
    rig.there.hook("pre-receive", `touch '${mark}'; while test -e '${mark}'; do sleep 0.05; done`);
    const over = new AbortController();
    const push = rig.remote.push(await rig.save({ "a.txt": "1" }), "main").finally(() => over.abort());
    const found: string[] = [];
    let looks = 0;
    while (!over.signal.aborted) {
      found.push(...(await findInProcesses(token, [])));
      looks += 1;
      if (existsSync(mark) && looks > 20) rmSync(mark);
    }
    expect(await push).toEqual({ kind: "confirmed" });
    expect(found).toEqual([]);
    expect(await findInFiles(rig.root, token)).toEqual([]);
    expect(await findInFiles(root, token)).toEqual([]);
  });

  it("goes to no program behind a path", async () => {
    const { remote, there, root, now, save } = await createRig("path");
    now.token = token;
    const seen = join(root, "seen");
    there.hook("pre-receive", `env > '${seen}'`);
    expect(await remote.push(await save({ "a.txt": "1" }), "main")).toEqual({ kind: "confirmed" });
    expect(readFileSync(seen, "utf8")).not.toContain(token);
  });
});

async function createPlace(): Promise<{ root: string }> {
  const root = mkdtempSync(join(tmpdir(), "sesta-place-"));
  ends.push(() => rmSync(root, { recursive: true, force: true }));
  return { root };
}

describe("the user's own configuration of git", () => {
  const token = "canary-configured-token";

  it("reaches the remote, and runs and changes nothing", async () => {
    const { remote, there, root, home, now, git, save } = await createRig("http", {}, token);
    const ran = join(root, "ran");
    const script = join(root, "script");
    mkdirSync(join(root, "hooks"));
    for (const path of [
      script,
      ...["pre-push", "reference-transaction", "post-update"].map((name) => join(root, "hooks", name)),
    ]) {
      writeFileSync(path, `#!/bin/sh\ncat >> '${ran}'\necho "$0" >> '${ran}'\nexit 1\n`);
      chmodSync(path, 0o755);
    }
    const base = there.url.replace(/saves\.git$/, "");
    writeFileSync(
      join(home, ".gitconfig"),
      [
        `[core]\n\thooksPath = ${join(root, "hooks")}\n\taskPass = ${script}\n\tfsmonitor = ${script}\n\tlogAllRefUpdates = always`,
        `[credential]\n\thelper = ${script}\n[credential "${base}"]\n\thelper = ${script}`,
        `[url "${base}"]\n\tinsteadOf = team:`,
        "[push]\n\tdefault = nothing\n\tpushOption = ci.skip\n\tfollowTags = true\n\tgpgSign = true\n\tnegotiate = true",
        `[remote "team:saves.git"]\n\turl = team:saves.git\n\tpush = +refs/*:refs/*`,
        "[fetch]\n\tprune = true\n[transfer]\n\tfsckObjects = true",
      ].join("\n"),
    );
    now.rule = { ...now.rule, repo: "team:saves.git" };
    const theirs = there.pushElsewhere("other", { "b.txt": "1" });
    await git.get(["update-ref", "refs/tags/mine", await save({ "a.txt": "1" })]);
    const commit = await save({ "a.txt": "2" });
    expect(await remote.push(commit, "main")).toEqual({ kind: "confirmed" });
    expect(await remote.look()).toEqual({ branch: "main", tip: commit });
    expect(await remote.fetch("other")).toBe(theirs);
    expect(existsSync(ran) ? readFileSync(ran, "utf8") : "").toBe("");
    expect(there.git("for-each-ref", "--format=%(refname)").split("\n")).toEqual([
      "refs/heads/main",
      "refs/heads/other",
    ]);
  });

  it("names the ssh that is used", async () => {
    const { remote, there, root, home, now, save } = await createRig("path");
    const asked = join(root, "asked");
    const script = join(root, "my ssh");
    writeFileSync(script, `#!/bin/sh\nenv > '${asked}'\nfor last; do :; done\nexec sh -c "$last"\n`);
    chmodSync(script, 0o755);
    writeFileSync(
      join(home, ".gitconfig"),
      `[core]\n\tsshCommand = '${script}' -i key\n[ssh]\n\tvariant = ssh\n`,
    );
    now.rule = { ...now.rule, repo: `ssh://host.invalid${there.folder}` };
    expect(await remote.push(await save({ "a.txt": "1" }), "main")).toEqual({ kind: "confirmed" });
    expect(readFileSync(asked, "utf8")).toMatch(/SSH_ASKPASS_REQUIRE=never/);
    writeFileSync(join(home, ".gitconfig"), "");
    expect(await remote.push(await save({ "a.txt": "2" }), "main")).toMatchObject({ kind: "unreachable" });
  });

  it("does not make git run a program that an address names", async () => {
    const { remote, root, now } = await createRig("path");
    for (const repo of [`ext::touch ${root}/ran`, `--upload-pack=touch ${root}/ran`]) {
      now.rule = { ...now.rule, repo };
      await expect(remote.look()).rejects.toBeInstanceOf(RemoteError);
    }
    expect(existsSync(join(root, "ran"))).toBe(false);
  });
});

describe("F8: git is killed while it pushes", () => {
  const points: [string, (rig: Rig, mark: string) => void][] = [
    [
      "before the remote has everything",
      ({ there }, mark) =>
        there.hook("pre-receive", `touch '${mark}'; while test -e '${mark}'; do sleep 0.05; done`),
    ],
    [
      "before the branch is set",
      ({ there }, mark) =>
        there.hook("update", `touch '${mark}'; while test -e '${mark}'; do sleep 0.05; done`),
    ],
    [
      "after the branch is set",
      ({ there }, mark) =>
        there.hook("post-receive", `touch '${mark}'; while test -e '${mark}'; do sleep 0.05; done`),
    ],
  ];

  for (const kind of kinds) {
    it.each(points)(`${kind}: %s`, async (_, arrange) => {
      const rig = await createRig(kind);
      const mark = join(rig.root, "in-hook");
      arrange(rig, mark);
      const commit = await rig.save({ "a.bin": randomBytes(200_000) });
      const push = rig.remote.push(commit, "main");
      await until(() => existsSync(mark), "the hook does not run");
      await killPush(rig);
      const { kind: outcome } = await push;
      expect(["git", "unreachable"]).toContain(outcome);
      expect(await confirmedOf(rig.git)).toBe("");
      for (const name of ["pre-receive", "update", "post-receive"] as const) rig.there.hook(name, null);
      rmSync(mark, { force: true });
      await until(
        async () => (await rig.remote.push(commit, "main")).kind === "confirmed",
        "it does not take it",
      );
      expect(rig.there.tip("main")).toBe(commit);
      isSound(rig.there);
    });
  }

  it("while it sends, at whatever moment", async () => {
    const rig = await createRig("daemon");
    const moments = ["rev-parse", "push", "pack-objects", "receive-pack", "unpack-objects", "index-pack"];
    for (const [turn, moment] of moments.entries()) {
      const commit = await rig.save({ "a.bin": randomBytes(4_000_000), turn: `${turn}` });
      let over = false;
      const push = rig.remote.push(commit, "main").finally(() => (over = true));
      await until(
        () => over || listLiving(rig.root).some((pid) => readCommand(pid).includes(moment)),
        "nothing runs",
      );
      if (!over) await killPush(rig);
      const outcome = await push;
      if (outcome.kind === "confirmed") expect(rig.there.tip("main")).toBe(commit);
      else expect(["git", "unreachable"]).toContain(outcome.kind);
      await until(
        async () => (await rig.remote.push(commit, "main")).kind === "confirmed",
        "it does not take it",
      );
      expect(await confirmedOf(rig.git)).toBe(commit);
    }
    isSound(rig.there);
  });

  /** Every git of ours in this rig, at once, as the kernel does it when memory is short. */
  async function killPush({ root }: Rig): Promise<void> {
    for (const pid of listLiving(root)) if (isOurGit(pid, root)) await killHard(pid).catch(() => undefined);
  }
});

describe("F7: a full disk at the remote", () => {
  it("is told, and what is owed arrives when there is room", async ({ skip }) => {
    const rig = await createRig("path");
    const mounted = spawnSync("mount", [
      "-t",
      "tmpfs",
      "-o",
      "size=2m",
      "tmpfs",
      join(rig.there.folder, "objects"),
    ]);
    if (mounted.status !== 0) return skip("this needs root and mount(8)");
    ends.push(() => void spawnSync("umount", ["-l", join(rig.there.folder, "objects")]));
    const small = await rig.save({ "a.txt": "1" });
    expect(await rig.remote.push(small, "main")).toEqual({ kind: "confirmed" });
    const large = await rig.save({ "a.txt": "1", "b.bin": randomBytes(3_000_000) });
    expect(await rig.remote.push(large, "main")).toMatchObject({
      kind: "disk",
      message: expect.stringContaining("repository's disk is full"),
    });
    expect(await confirmedOf(rig.git)).toBe(small);
    spawnSync("mount", ["-o", "remount,size=20m", join(rig.there.folder, "objects")]);
    expect(await rig.remote.push(large, "main")).toEqual({ kind: "confirmed" });
    isSound(rig.there);
  });
});

const noLfs = findMissingPackage("git-lfs", () => spawnSync("git", ["lfs", "version"]).status === 0);
if (noLfs !== undefined) console.log(`Git LFS is skipped: ${noLfs}`);

describe.skipIf(noLfs !== undefined)("F10: Git LFS", () => {
  it("carries a large file as a pointer, and brings it back", async () => {
    const { remote, there, git, now, root, save } = await createRig("path");
    now.rule = { ...now.rule, lfs: true };
    const content = randomBytes(2_000_000);
    const path = join(root, "model.bin");
    writeFileSync(path, content);
    const kept = await remote.lfs.keep(path);
    if (!kept) throw new Error("git-lfs is not found");
    const commit = await save({ "model.bin": kept.pointer, "a.txt": "1" });
    expect(await remote.push(commit, "main")).toEqual({ kind: "confirmed" });
    const { oid } = kept;
    expect(readFileSync(join(there.folder, "lfs", "objects", oid.slice(0, 2), oid.slice(2, 4), oid))).toEqual(
      content,
    );
    expect(there.git("cat-file", "blob", "main:model.bin")).toContain(`oid sha256:${oid}`);

    rmSync(join(git.folder, "lfs"), { recursive: true });
    const to = join(root, "to");
    mkdirSync(to);
    const tree = await listTree(git, commit);
    expect(await writeTree(git, tree, to, { overwrite: false, lfs: remote.lfs })).toEqual({
      written: ["a.txt", "model.bin"],
      kept: [],
      pointers: [],
    });
    expect(readFileSync(join(to, "model.bin"))).toEqual(content);
    expect(await writeTree(git, tree, to, { overwrite: true, lfs: remote.lfs })).toEqual({
      written: [],
      kept: [],
      pointers: [],
    });
    // Nothing is sent twice, and a push goes nowhere while the content does not.
    writeFileSync(path, randomBytes(10));
    await remote.lfs.keep(path);
    await there.stop();
    expect((await remote.push(commit, "main")).kind).not.toBe("confirmed");
    await there.start();
    expect(await remote.push(commit, "main")).toEqual({ kind: "confirmed" });
  });

  it("leaves the pointer where the content cannot be had", async () => {
    const { remote, git, root, save } = await createRig("path");
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 5\n`;
    const to = join(root, "to");
    mkdirSync(to);
    const tree = await listTree(git, await save({ "model.bin": pointer }));
    expect(await writeTree(git, tree, to, { overwrite: false, lfs: remote.lfs })).toMatchObject({
      pointers: ["model.bin"],
    });
    writeFileSync(join(to, "model.bin"), "real");
    expect(await writeTree(git, tree, to, { overwrite: true, lfs: remote.lfs })).toMatchObject({
      kept: ["model.bin"],
    });
    expect(readFileSync(join(to, "model.bin"), "utf8")).toBe("real");
  });
});
