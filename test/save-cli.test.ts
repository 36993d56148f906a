// Saving as its users meet it: the real command line, a real agent, real git and a repository on this disk.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Launch } from "../src/model/launch.ts";
import { createAway } from "../src/operations/away.ts";
import { up } from "../src/operations/up.ts";
import { stopGateway } from "../src/operations/gateway.ts";
import { hasTerminal, runCli, runOnTerminal } from "./support/cli.ts";
import { createScratchContext, type ScratchContext } from "./support/scratch-context.ts";
import { buildTinyLaunch } from "./support/tiny-launch.ts";

let scratch: ScratchContext;
let outer: string;
let remote: string;
let workspace: string;

const git = (...operands: string[]) =>
  execFileSync("git", operands, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_AUTHOR_NAME: "Else",
      GIT_AUTHOR_EMAIL: "else@example.org",
      GIT_COMMITTER_NAME: "Else",
      GIT_COMMITTER_EMAIL: "else@example.org",
    },
  });
const onRemote = (branch = "main") =>
  git("-C", remote, "ls-tree", "-r", "--name-only", branch).trim().split("\n").toSorted();
const shownOnRemote = (path: string, branch = "main") => git("-C", remote, "show", `${branch}:${path}`);
const sesta = (...argv: string[]) => runCli(argv, scratch.folder);
const json = async (...argv: string[]) => {
  const { code, stdout } = await sesta(...argv, "--json");
  expect(stdout).toMatch(/^[^\n]+\n$/);
  return { code, document: JSON.parse(stdout) as Record<string, unknown> };
};
const write = (path: string, text: string) => {
  mkdirSync(join(workspace, path, ".."), { recursive: true });
  writeFileSync(join(workspace, path), text);
};

beforeEach(async () => {
  outer = mkdtempSync(join(tmpdir(), "sesta-save-"));
  remote = join(outer, "remote.git");
  git("init", "--quiet", "--bare", "--initial-branch=main", remote);
  scratch = await createScratchContext(
    `name: team\nworkloads:\n  nb: { type: lab, save: { repo: ${remote}, branch: main } }\n`,
  );
  workspace = join(scratch.folder, "nb");
});
afterEach(async () => {
  await stopGateway(scratch.context);
  await scratch.end();
  rmSync(outer, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

const rule = () => ({
  repo: remote,
  branch: "main",
  include: [],
  exclude: [],
  maxFileBytes: 1024 ** 2,
  everyMs: 1_000,
  lfs: false,
});

/** As `sesta up` would, with a program that is small in the place of Jupyter. */
async function bringUp(more: Partial<Launch> = {}) {
  const { context } = scratch;
  const launch = buildTinyLaunch("nb", { save: rule(), ...more });
  return up(
    context,
    {
      plans: [await context.targets.get("local").plan("nb", launch)],
      jobs: [],
      services: [],
      away: createAway("up", ["nb"]),
    },
    () => undefined,
  );
}

describe("`sesta save`", () => {
  test("everything is at the repository when it says so; status and why tell when", async () => {
    await bringUp();
    write("one.txt", "1\n");
    write("deep/two.txt", "2\n");
    const { code, document } = await json("save", "nb");
    expect([code, document]).toMatchObject([
      0,
      {
        name: "nb",
        saved_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        save: { branch: "main", problem: null, owed_since: null },
      },
    ]);
    expect(onRemote()).toEqual(["deep/two.txt", "one.txt"]);
    const status = (await json("status")).document["workloads"] as { saved_at: string; save: object }[];
    expect(status[0]).toMatchObject({ save: { set_aside: [], held_deletions: null } });
    expect(Date.parse(String(status[0]?.saved_at))).toBeGreaterThanOrEqual(
      Date.parse(String(document["saved_at"])),
    );
    expect((await sesta("status")).stdout).toMatch(/nb +lab .* saved [\d.]+ (s|min) ago /);
    expect((await sesta("why", "nb")).stdout).toMatch(/^saved: all up to .* on branch main$/m);
  });

  test("F10: a file that is too large is named, everything else is saved, and it ends well", async () => {
    await bringUp();
    write("one.txt", "1\n");
    write("big.bin", "x".repeat(2 * 1024 ** 2));
    const { code, stdout } = await sesta("save", "nb");
    expect(code).toBe(0);
    expect(stdout).toMatch(/not saved: big\.bin: /);
    expect(onRemote()).toEqual(["one.txt"]);
    expect((await sesta("status")).stdout).toMatch(
      /saved [\d.]+ (s|min) ago, 1 file not saved: sesta why nb/,
    );
    const slept = await sesta("sleep", "nb");
    expect([slept.code, slept.stdout]).toEqual([0, "nb is asleep\n"]);
    expect((await sesta("why", "nb")).stdout).toMatch(/not saved: big\.bin: /);
  });

  test("F8: without the repository it ends with 1 and says why; when it is back, all that was owed arrives", async () => {
    await bringUp();
    write("one.txt", "1\n");
    expect((await sesta("save", "nb")).code).toBe(0);
    renameSync(remote, `${remote}.away`);
    write("two.txt", "2\n");
    const failed = await sesta("save", "nb");
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/nb is not saved: .+\n/);
    expect(failed.stderr).not.toMatch(/\n\s+at .+:\d+/);
    const { document } = await json("why", "nb");
    expect(document).toMatchObject({
      saved_at: expect.any(String) as string,
      save: { owed_since: expect.any(String) as string, problem: expect.any(String) as string },
    });
    expect((await sesta("status")).stdout).toContain("not saved for ");
    const planned = await runCli(["down"], scratch.folder);
    expect(planned.stderr).toContain("`sesta save nb` first");
    renameSync(`${remote}.away`, remote);
    expect((await sesta("save", "nb")).code).toBe(0);
    expect(onRemote()).toEqual(["one.txt", "two.txt"]);
  });

  test("F12: more than half gone at once waits for a yes: 1 and how without a terminal, -y records it", async () => {
    await bringUp();
    for (const name of ["a", "b", "c", "d"]) write(name, `${name}\n`);
    expect((await sesta("save", "nb")).code).toBe(0);
    for (const name of ["a", "b", "c"]) rmSync(join(workspace, name));
    write("e", "e\n");
    const held = await sesta("save", "nb");
    expect([held.code, held.stderr]).toEqual([1, expect.stringContaining("`sesta save nb -y`")]);
    expect((await json("save", "nb")).document).toMatchObject({
      error: { code: "SAVE_HELD", problems: ["a", "b", "c"] },
    });
    expect(onRemote()).toEqual(["a", "b", "c", "d", "e"]);
    const advice = "`sesta save nb -y` records them as deleted, `sesta restore nb` brings them back";
    const why = (await sesta("why", "nb")).stdout;
    for (const part of ["3 of 5 files are gone at once", advice]) expect(why).toContain(part);
    expect((await json("why", "nb")).document["save"]).toMatchObject({ held_deletions: 3, saved_files: 5 });
    const slept = await sesta("sleep", "nb");
    for (const part of ["3 of 5 files are gone", advice]) expect(slept.stdout).toContain(part);
    expect(slept.stdout).not.toContain("on this machine");
    const shown = await sesta("restore", "nb");
    expect([shown.code, shown.stderr]).toEqual([2, expect.not.stringContaining("does not have")]);
    const accepted = await sesta("save", "nb", "-y");
    expect([accepted.code, onRemote()]).toEqual([0, ["d", "e"]]);
    expect(accepted.stderr).toContain("3 of 5 files were gone at once: recorded as deleted");
    expect(accepted.stderr).not.toContain("stay saved");
  });

  test.runIf(hasTerminal)(
    "F12: on a terminal it names them and asks; no, or Enter alone, leaves everything saved",
    async () => {
      await bringUp();
      for (const name of ["a", "b", "c"]) write(name, `${name}\n`);
      expect((await sesta("save", "nb")).code).toBe(0);
      for (const name of ["a", "b"]) rmSync(join(workspace, name));
      for (const answer of ["n", "\r"]) {
        const { code, screen } = runOnTerminal(["save", "nb", "-C", scratch.folder], scratch.folder, [
          ["Record them as deleted?", answer],
        ]);
        expect([code, onRemote()]).toEqual([1, ["a", "b", "c"]]);
        expect(screen).toContain("2 of 3 files are gone at once");
        expect(screen).toMatch(/gone: 2 files\r?\n {2}a\r?\n {2}b\r?\n/);
        expect(screen).not.toContain("nb is saved");
      }
    },
  );

  test("F9: a branch that moved is left alone; `--onto` shows what differs and brings both together", async () => {
    await bringUp();
    write("mine.txt", "mine\n");
    write("shared.txt", "first\n");
    expect((await sesta("save", "nb")).code).toBe(0);
    const clone = join(outer, "clone");
    git("clone", "--quiet", remote, clone);
    writeFileSync(join(clone, "theirs.txt"), "theirs\n");
    writeFileSync(join(clone, "shared.txt"), "theirs\n");
    git("-C", clone, "add", "-A");
    git("-C", clone, "commit", "--quiet", "-m", "theirs");
    git("-C", clone, "push", "--quiet", "origin", "main");
    const theirTip = git("-C", remote, "rev-parse", "main").trim();
    write("shared.txt", "mine\n");
    write("more.txt", "more\n");
    const aside = await json("save", "nb");
    expect(aside).toMatchObject({
      code: 0,
      document: { save: { beside: "main", branch: expect.stringMatching(/^sesta\/nb\//) as string } },
    });
    expect(git("-C", remote, "rev-parse", "main").trim()).toBe(theirTip);
    const beside = String((aside.document["save"] as { branch: string }).branch);
    expect(shownOnRemote("shared.txt", beside)).toBe("mine\n");
    expect((await sesta("why", "nb")).stdout).toContain("sesta save nb --onto main");

    const asked = await sesta("save", "nb", "--onto", "main");
    expect(asked.code).toBe(2);
    for (const part of ["more.txt", "theirs.txt", "shared.txt", "-y"]) expect(asked.stderr).toContain(part);
    expect(git("-C", remote, "rev-parse", "main").trim()).toBe(theirTip);
    const joined = await json("save", "nb", "--onto", "main", "-y");
    expect(joined).toMatchObject({ code: 0, document: { save: { branch: "main", beside: null } } });
    expect(shownOnRemote("shared.txt")).toBe("mine\n");
    expect(shownOnRemote("theirs.txt")).toBe("theirs\n");
    expect(readFileSync(join(workspace, "theirs.txt"), "utf8")).toBe("theirs\n");
    expect(git("-C", remote, "merge-base", "--is-ancestor", theirTip, "main")).toBe("");
    const again = await sesta("save", "nb", "--onto", "main");
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("nothing differs")]);
  });

  test("F9: the branch that saves went to stays, and its deletion is a command that works", async () => {
    await bringUp();
    write("one.txt", "1\n");
    expect((await sesta("save", "nb")).code).toBe(0);
    const tree = git("-C", remote, "rev-parse", "main^{tree}").trim();
    const theirs = git("-C", remote, "commit-tree", tree, "-p", "main", "-m", "theirs").trim();
    git("-C", remote, "update-ref", "refs/heads/main", theirs);
    write("two.txt", "2\n");
    expect((await sesta("save", "nb")).code).toBe(0);
    const { code, stdout } = await sesta("save", "nb", "--onto", "main", "-y");
    const [, branch = "", command = ""] =
      /^the branch (\S+) stays in the repository; to delete it: (.+)$/m.exec(stdout) ?? [];
    expect([code, branch]).toEqual([0, expect.stringMatching(/^sesta\/nb\//)]);
    expect(git("-C", remote, "branch", "--list", branch)).not.toBe("");
    execFileSync("sh", ["-c", command], { stdio: "pipe" });
    expect(git("-C", remote, "branch", "--list", branch)).toBe("");
  });

  test("a branch that the repository does not have is a mistake of the command line", async () => {
    await bringUp();
    write("one.txt", "1\n");
    const { code, stderr } = await sesta("save", "nb", "--onto", "nosuch");
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('There is no branch "nosuch" in the repository'),
    ]);
  });

  test("a name that is no branch, and one that is no workload", async () => {
    await bringUp();
    expect((await sesta("save", "nb", "--onto", "--all")).code).toBe(2);
    expect((await sesta("save", "nb", "--onto", "a..b")).code).toBe(2);
    expect((await sesta("save", "nix")).code).toBe(2);
  });
});

describe("`sesta restore`", () => {
  test("an earlier save into a new folder, or over the workspace after a yes; other files stay", async () => {
    await bringUp();
    write("one.txt", "first\n");
    expect((await sesta("save", "nb")).code).toBe(0);
    const first = git("-C", remote, "rev-parse", "main").trim();
    write("one.txt", "second\n");
    write("new.txt", "new\n");
    expect((await sesta("save", "nb")).code).toBe(0);

    const to = join(outer, "before");
    const copied = await json("restore", "nb", "--at", first.slice(0, 10), "--to", to);
    expect(copied).toMatchObject({ code: 0, document: { commit: first, to, written: ["one.txt"] } });
    expect([readdirSync(to), readFileSync(join(to, "one.txt"), "utf8")]).toEqual([["one.txt"], "first\n"]);
    expect((await sesta("restore", "nb", "--to", to)).code).toBe(2);
    expect(readFileSync(join(to, "one.txt"), "utf8")).toBe("first\n");

    const asked = await sesta("restore", "nb", "--at", first);
    expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("one.txt")]);
    expect(readFileSync(join(workspace, "one.txt"), "utf8")).toBe("second\n");
    const restored = await sesta("restore", "nb", "--at", first, "-y");
    expect([restored.code, restored.stderr]).toEqual([
      0,
      expect.stringContaining("1 file of the workspace that it does not have stays as it is"),
    ]);
    const same = await sesta("restore", "nb", "--at", first);
    expect([same.code, same.stdout]).toEqual([
      0,
      expect.stringMatching(/^everything of that save is in .* as it was then\n$/),
    ]);
    expect(readFileSync(join(workspace, "one.txt"), "utf8")).toBe("first\n");
    expect(existsSync(join(workspace, "new.txt"))).toBe(true);
  });

  test("by time; before the first save, and an unknown commit, there is nothing", async () => {
    await bringUp();
    write("one.txt", "1\n");
    expect((await sesta("save", "nb")).code).toBe(0);
    rmSync(join(workspace, "one.txt"));
    const now = await json("restore", "nb", "--at", "0s", "-y");
    expect(now).toMatchObject({ code: 0, document: { written: ["one.txt"] } });
    expect((await json("restore", "nb", "--at", "2020-01-01 00:00", "-y")).document).toMatchObject({
      error: { code: "SAVE_MISSING" },
    });
    expect((await sesta("restore", "nb", "--at", "abcdef1", "-y")).code).toBe(1);
    expect((await sesta("restore", "nb", "--at", "soon", "-y")).code).toBe(2);
  });
});

describe("`sesta up`", () => {
  test("what the repository holds already appears in a new workspace", async () => {
    const clone = join(outer, "clone");
    git("clone", "--quiet", remote, clone);
    writeFileSync(join(clone, "analysis.ipynb"), "{}\n");
    git("-C", clone, "add", "-A");
    git("-C", clone, "commit", "--quiet", "-m", "before");
    git("-C", clone, "push", "--quiet", "origin", "HEAD:main");
    await bringUp();
    expect(readFileSync(join(workspace, "analysis.ipynb"), "utf8")).toBe("{}\n");
  });

  test("a repository that is not there fails with a hint; after a first save it is a warning", async () => {
    renameSync(remote, `${remote}.away`);
    await expect(bringUp()).rejects.toMatchObject({
      code: "SAVE_REMOTE",
      hint: expect.any(String) as string,
    });
    expect((await json("status")).document["workloads"]).toMatchObject([{ state: "asleep", saved_at: null }]);
    renameSync(`${remote}.away`, remote);
    write("one.txt", "1\n");
    expect((await bringUp()).warnings).toEqual([]);
    expect(onRemote()).toEqual(["one.txt"]);
    renameSync(remote, `${remote}.away`);
    const { warnings } = await bringUp({ title: "Changed" });
    expect(warnings).toEqual([expect.stringContaining("sesta why nb")]);
  });

  test("another idle time takes effect at once, and the plan says so", async () => {
    await bringUp();
    const target = scratch.context.targets.get("local");
    const changed = buildTinyLaunch("nb", {
      save: rule(),
      idle: { idleMs: 60_000, maxAwakeMs: null, evidence: "none" },
    });
    expect((await target.plan("nb", changed)).steps).toEqual(["change when it sleeps; takes effect at once"]);
    const elsewhere = buildTinyLaunch("nb", { save: { ...rule(), branch: "other" } });
    expect((await target.plan("nb", elsewhere)).steps).toEqual([
      `save its files to ${remote}, branch other; takes effect at once`,
    ]);
    const both = buildTinyLaunch("nb", { title: "Other" });
    expect((await target.plan("nb", both)).steps).toEqual([
      "stop saving its files; takes effect at once",
      expect.stringContaining("until it sleeps"),
    ]);
  });
});

describe("`sesta awake`", () => {
  test("wakes and holds it with a reason, which why and status show; --until-idle lets go", async () => {
    await bringUp({ idle: { idleMs: 3_600_000, maxAwakeMs: null, evidence: "none" } });
    const held = await json("awake", "nb", "--for", "3h", "--reason", "training");
    expect(held).toMatchObject({
      code: 0,
      document: { state: "awake", held_until: expect.any(String) as string, reason: "training" },
    });
    const until = String(held.document["held_until"]);
    expect((await json("why", "nb")).document).toMatchObject({ held: { until, reason: "training" } });
    expect((await json("status")).document["workloads"]).toMatchObject([
      { state: "awake", held_until: until },
    ]);
    expect((await sesta("why", "nb")).stdout).toMatch(/^held awake until .*: training$/m);
    const free = await json("awake", "nb", "--until-idle");
    expect(free).toMatchObject({
      code: 0,
      document: { state: "awake", held_until: null, sleeps_at: expect.any(String) as string },
    });
    expect((await json("why", "nb")).document).toMatchObject({ held: null });
    const events = async () => (await json("history", "nb")).document["events"] as { why: string }[];
    const before = await events();
    expect(before.map(({ why }) => why)).toContainEqual(expect.stringContaining(": training"));
    expect((await sesta("awake", "nb", "--until-idle")).stdout).toMatch(/^nb was not held: /);
    expect(await events()).toEqual(before);
    expect((await sesta("awake", "nb", "--for", "2s")).stdout).toContain("stays awake at least until");
  });

  test.each([
    [[]],
    [["--for", "soon"]],
    [["--for", "3h", "--until-idle"]],
    [["--until-idle", "--reason", "x"]],
  ])("%j is a usage error", async (flags) => {
    expect((await sesta("awake", "nb", ...flags)).code).toBe(2);
  });
});

describe("`sesta sleep`", () => {
  test("an empty workspace has nothing that could wait", async () => {
    await bringUp();
    expect((await sesta("sleep", "nb")).stdout).toBe("nb is asleep\n");
  });

  test("saves what was written last, and says what is owed when the repository does not answer", async () => {
    await bringUp();
    expect((await sesta("wake", "nb")).code).toBe(0);
    write("last.txt", "last\n");
    const slept = await json("sleep", "nb");
    expect(slept).toMatchObject({ code: 0, document: { state: "asleep", save: { owed_since: null } } });
    expect(onRemote()).toContain("last.txt");
    expect((await sesta("wake", "nb")).code).toBe(0);
    renameSync(remote, `${remote}.away`);
    write("later.txt", "later\n");
    const { code, stdout } = await sesta("sleep", "nb");
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^nb is asleep\n! not everything is at its repository: /),
    ]);
    renameSync(`${remote}.away`, remote);
    expect((await sesta("save", "nb")).code).toBe(0);
    expect(onRemote()).toContain("later.txt");
  });
});

test("`sesta history --json` tells when it was in use, and by what", async () => {
  await bringUp();
  expect((await sesta("wake", "nb")).code).toBe(0);
  await scratch.context.targets
    .get("local")
    .agent.call("use", { name: "nb", source: "a page was opened", kind: "visit" });
  expect((await sesta("sleep", "nb")).code).toBe(0);
  const { document } = await json("history", "nb");
  expect(Object.keys(document)).toEqual(["events", "use"]);
  expect((document["events"] as { to: string }[]).map(({ to }) => to)).toEqual(
    expect.arrayContaining(["waking", "awake", "sleeping", "asleep"]),
  );
  const iso = expect.stringMatching(/^\d{4}-.*Z$/) as string;
  expect(document["use"]).toContainEqual({ workload: "nb", source: "a page was opened", from: iso, to: iso });
});

test.runIf(hasTerminal)("Enter alone neither takes away nor writes over what people made", async () => {
  await bringUp();
  write("one.txt", "1\n");
  expect((await sesta("save", "nb")).code).toBe(0);
  const first = git("-C", remote, "rev-parse", "main").trim();
  write("one.txt", "2\n");
  const inside = ["-C", scratch.folder];
  const restored = runOnTerminal(["restore", "nb", "--at", first, ...inside], scratch.folder, [
    ["Write these files over the workspace?", "\r"],
  ]);
  expect([restored.screen, readFileSync(join(workspace, "one.txt"), "utf8")]).toEqual([
    expect.stringContaining("Nothing was changed."),
    "2\n",
  ]);
  const down = runOnTerminal(["down", "nb", ...inside], scratch.folder, [["Take this away?", "\r"]]);
  expect(down.screen).toContain("Nothing was changed.");
  expect((await json("status")).document["workloads"]).toMatchObject([{ state: "asleep" }]);
});

test("without its gateway, `sesta status` says what starts it", async () => {
  await bringUp();
  expect((await sesta("status")).stdout).not.toContain("no gateway runs");
  await stopGateway(scratch.context);
  expect((await sesta("status")).stdout).toMatch(/no gateway runs, .*`sesta up` starts it/);
});

test("`sesta down`: the receipt names the saves among what remains", async () => {
  await bringUp();
  write("one.txt", "1\n");
  expect((await sesta("save", "nb")).code).toBe(0);
  const { code, document } = await json("down", "nb", "-y");
  const saves = join(scratch.folder, ".sesta", "agent", "saves", "nb");
  expect([code, document["receipts"]]).toMatchObject([
    0,
    [{ name: "nb", remains: expect.arrayContaining([workspace, saves]) as string[] }],
  ]);
  expect([existsSync(saves), existsSync(join(workspace, "one.txt"))]).toEqual([true, true]);
});
