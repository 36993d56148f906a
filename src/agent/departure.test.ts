// What keeps a workload awake that is about to be stopped: use, what is unknown, and what is saved nowhere else.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import type { SaveReport } from "../model/save.ts";
import { Departure, type DepartureCause, type Leaving } from "./departure.ts";
import type { Saver } from "./save/saver.ts";

const saved: SaveReport = {
  savedAt: 1,
  owedSince: null,
  branch: "main",
  beside: null,
  behind: false,
  problem: null,
  setAside: [],
  held: null,
  needsToken: false,
};
const signal = new AbortController().signal;

function leave(
  cause: DepartureCause,
  options: Partial<Omit<Leaving, "saver">> & { report?: Partial<SaveReport>; confirmed?: boolean } = {},
) {
  const clock = createFakeClock();
  const departure = new Departure(clock);
  departure.begin(cause, true);
  const report = { ...saved, ...options.report };
  const saver = {
    saveHere: async () => undefined,
    confirm: async () => options.confirmed ?? true,
    report: () => report,
  } as unknown as Saver;
  const leaving: Leaving = {
    saver,
    disk: "kept",
    collect: async () => [],
    show: () => undefined,
    ...options,
  };
  return { clock, departure, report, saver, outcome: departure.prepare(leaving, signal) };
}

test("nothing used, everything saved: it is ready", async () => {
  expect(await leave("idle").outcome).toEqual({ kind: "ready" });
});

test("use keeps it awake, unless somebody asked for sleep", async () => {
  const collect = async () => [{ source: "a kernel", at: "now" as const }];
  expect(await leave("idle", { collect }).outcome).toEqual({ kind: "used", by: "a kernel" });
  expect(await leave("asked", { collect }).outcome).toEqual({ kind: "ready" });
  expect(await leave("cap", { collect }).outcome).toEqual({ kind: "ready" });
});

test("what cannot be found out counts as use", async () => {
  const collect = () => Promise.reject(new Error("no answer"));
  expect(await leave("idle", { collect }).outcome).toMatchObject({ kind: "used" });
});

test("a look that hangs does not hold it up for ever", async () => {
  const { clock, outcome } = leave("idle", { collect: () => new Promise(() => undefined) });
  await clock.advance(60_000);
  expect(await outcome).toMatchObject({ kind: "used" });
});

test("F8: what the remote has not confirmed keeps awake what has no other place to keep it", async () => {
  const options = { confirmed: false, report: { owedSince: 1 } };
  expect(await leave("idle", { ...options, disk: "kept" }).outcome).toEqual({ kind: "ready" });
  expect(await leave("idle", { ...options, disk: "lost" }).outcome).toMatchObject({ kind: "unsaved" });
});

test("F7: so does what could not be saved at all, whatever the remote has", async () => {
  const problem = { kind: "disk" as const, message: "the disk is full", since: 1, retryAt: null };
  expect(await leave("asked", { disk: "lost", report: { problem } }).outcome).toEqual({
    kind: "unsaved",
    what: "the disk is full",
  });
});

test.each<[string, Partial<SaveReport>]>([
  ["set aside", { setAside: [{ path: "big.bin", kind: "large", why: "120 MB" }] }],
  ["held", { held: { gone: 3, of: 4, why: "gone" } }],
])("so do files that are %s", async (_, report) => {
  expect(await leave("asked", { disk: "lost", report }).outcome).toMatchObject({ kind: "unsaved" });
  expect(await leave("asked", { disk: "kept", report }).outcome).toEqual({ kind: "ready" });
});

test("put off, it is due once everything is saved, and only once", () => {
  const { departure, report, saver } = leave("asked");
  expect(departure.due(saver, -1)).toBeUndefined();
  departure.postpone("It was asked for.");
  report.owedSince = 1;
  expect(departure.due(saver, -1)).toBeUndefined();
  report.owedSince = null;
  expect(departure.due(saver, -1)).toBe("It was asked for.");
  expect(departure.due(saver, -1)).toBeUndefined();
});

test("put off, it is not due any more when it was used or asked for since", async () => {
  const { clock, departure, saver } = leave("asked");
  departure.postpone("It was asked for.");
  departure.forget();
  expect(departure.due(saver, -1)).toBeUndefined();
  departure.postpone("It was asked for.");
  await clock.advance(1_000);
  expect(departure.due(saver, clock.monotonic())).toBeUndefined();
  expect(departure.due(saver, -1)).toBeUndefined();
});

test("F22: use takes back only what began for want of use, and only until it is being stopped", () => {
  const { departure } = leave("idle");
  expect(departure.yieldsToUse).toBe(true);
  departure.close();
  expect([departure.open, departure.yieldsToUse]).toEqual([false, false]);
  departure.begin("asked", true);
  expect([departure.open, departure.yieldsToUse]).toEqual([true, false]);
});
