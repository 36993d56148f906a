// A workspace kept saved: what is owed is known and paid, whatever becomes of the remote, the clock and the process.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createGitRemote } from "../../../test/support/git-remote.ts";
import { createSaverRig, type SaverRig } from "../../../test/support/saver-rig.ts";
import { deliver, isOwed } from "./delivery.ts";

let rig: SaverRig;
afterEach(() => rig.end());

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
        await rig.until(() => (report().problem?.retryAt ?? 0) > rig.clock.now(), "no next try is told");
        await rig.clock.advance(Math.max(0, away + (minute + 1) * 60_000 - rig.clock.now()));
      }
      await rig.until(() => (report().problem?.retryAt ?? 0) > rig.clock.now(), "no next try is told");
      const { problem, owedSince } = report();
      expect(problem).toMatchObject({ kind: "unreachable" });
      expect(owedSince).toBeGreaterThanOrEqual(away);
      expect(owedSince).toBeLessThan(away + 60_000);
      expect(problem?.since).toBeLessThan(away + 60_000);
      const waitMs = (problem?.retryAt ?? Infinity) - rig.clock.now();
      expect(waitMs).toBeLessThanOrEqual(5 * 60_000);
      await rig.remote.start();
      await rig.clock.advance(Math.max(0, waitMs));
      await rig.until(() => report().owedSince === null && !report().problem, "it does not arrive");
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
      const pause = () => (report().problem?.retryAt ?? 0) - rig.clock.now();
      await rig.until(() => pause() > 0, "not tried");
      pauses.push(pause());
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
    const back = rig.clock.monotonic();
    await rig.moveUntil(() => rig.sent("c.txt"), "not sent", 10_000);
    expect(rig.clock.monotonic() - back).toBeLessThan(day / 2);
  });
});

describe("the rule and the token", () => {
  test("another repository gets everything, also while the former hangs", async () => {
    rig = await createSaverRig();
    rig.saver().keep();
    rig.write({ "a.txt": "a" });
    await rig.moveUntil(() => rig.sent("a.txt") && report().owedSince === null, "not sent");
    rig.remote.hook(
      "pre-receive",
      `touch "${rig.root}/reached"; while test ! -e "${rig.root}/go"; do sleep 0.05; done`,
    );
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
  test("while it opens, nothing stays open", async () => {
    rig = await createSaverRig();
    rig.saver().keep();
    await rig.saver().close();
    await expect(rig.saver().open()).rejects.toThrow();
    const open = process.platform === "linux" ? readdirSync("/proc/self/fd") : [];
    const files = open.map((fd) => linkOf(`/proc/self/fd/${fd}`));
    expect(files.filter((path) => path?.startsWith(rig.root))).toEqual([]);
  });

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

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // closed meanwhile
  }
}

function isThere(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
