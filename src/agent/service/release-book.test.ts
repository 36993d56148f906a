// The record of releases: numbers, what can be gone back to, what is forgotten, and that all of it outlives the agent.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openAgentState, type AgentState } from "../../state/agent-state.ts";
import { createFakeClock, type FakeClock } from "../../../test/support/fake-clock.ts";
import { buildTinyLaunch } from "../../../test/support/tiny-launch.ts";
import { ReleaseBook } from "./release-book.ts";

let folder: string;
let state: AgentState;
let clock: FakeClock;
let book: ReleaseBook;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-book-"));
  state = openAgentState(join(folder, "agent.db"));
  clock = createFakeClock();
  book = new ReleaseBook(state, clock, "iris");
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true });
});

const places = { environment: "/e", workspace: "/w", disk: "kept", sessions: false } as const;

function begin() {
  const facts = { digest: "sha256:0", commit: null, dirty: null, by: "ada", figures: [] };
  const number = book.nextNumber();
  const secrets = { tree: "/tree", env: { KEY: "canary" }, certificate: null };
  return book.add(buildTinyLaunch("iris"), places, number, { key: `key ${number}`, ...facts, ...secrets });
}

async function succeed() {
  const release = begin();
  await clock.advance(1_000);
  book.takeOver(release);
  return release;
}

const listed = () => book.all.map(({ number, state: its }) => `${number} ${its}`);

test("one that takes over replaces the one before, in one step; both are kept", async () => {
  await succeed();
  await succeed();
  expect(listed()).toEqual(["2 live", "1 replaced"]);
  expect(new ReleaseBook(state, clock, "iris").all).toEqual(book.all);
  expect(book.findKey("key 1")?.number).toBe(1);
});

test("no secret and no path of the sender is kept in the record", async () => {
  await succeed();
  expect(JSON.stringify(state.listReleases("iris"))).not.toMatch(/canary|\/tree/);
});

test("one at a time: while one starts, another is refused and told whose it is", () => {
  begin();
  expect(() => book.refuseTwo()).toThrow(
    expect.objectContaining({ code: "BUSY", message: "Release 1 of iris, by ada, is starting" }),
  );
});

test("one that failed leaves what is live, and cannot be gone back to", async () => {
  await succeed();
  const bad = begin();
  book.fail(bad, "it ended", ["last words"]);
  expect(listed()).toEqual(["2 failed", "1 live"]);
  expect(book.all[0]).toMatchObject({ why: "it ended", logTail: ["last words"], liveSince: null });
  expect(() => book.again(2)).toThrow(expect.objectContaining({ code: "UNKNOWN_RELEASE" }));
  expect(() => book.again(null)).toThrow(/no earlier release to go back to/);
  book.refuseTwo();
});

test("one that was live and fails when it is gone back to can be tried again", async () => {
  await succeed();
  await succeed();
  const back = book.again(1);
  expect(listed()).toEqual(["2 live", "1 starting"]);
  book.fail(back, "not today", []);
  expect(listed()).toEqual(["2 live", "1 replaced"]);
  expect(book.again(null).number).toBe(1);
});

test("without a number: the newest that was live before; one that is live already stays", async () => {
  for (const _ of [1, 2, 3]) await succeed();
  book.takeOver(book.again(null));
  expect(listed()).toEqual(["3 replaced", "2 live", "1 replaced"]);
  expect(book.again(2).state).toBe("live");
});

test("five that were live are kept beside the live one, by when they were; the others are told, once", async () => {
  for (let count = 0; count < 7; count += 1) await succeed();
  expect(book.prune().map(({ number }) => number)).toEqual([1]);
  expect(book.prune()).toEqual([]);
  expect(state.listReleases("iris")).toHaveLength(6);
  await clock.advance(1_000);
  book.takeOver(book.again(2));
  for (let count = 0; count < 2; count += 1) await succeed();
  expect(book.prune().map(({ number }) => number)).toEqual([4, 3]);
  expect(listed().map((line) => line.split(" ")[0])).toEqual(["9", "8", "7", "6", "5", "2"]);
});

test("of releases that failed the last five are kept, and none of them takes a place of the others", async () => {
  await succeed();
  for (let count = 0; count < 8; count += 1) book.fail(begin(), "no", []);
  expect(book.prune().map(({ number }) => number)).toEqual([4, 3, 2]);
  expect(book.live()?.number).toBe(1);
});

test("a number is never given twice, also when the newest release is the one longest not live", async () => {
  for (let count = 0; count < 7; count += 1) await succeed();
  for (const number of [1, 2, 3, 4, 5, 6]) {
    await clock.advance(1_000);
    book.takeOver(book.again(number));
  }
  expect(book.prune()).toEqual([]);
  expect(book.nextNumber()).toBe(8);
});
