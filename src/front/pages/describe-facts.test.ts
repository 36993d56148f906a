// What pages say of use, of holds, of saves and of a sleep that is near.
import { expect, test } from "vitest";
import { buildSaved, buildView, exampleNow as now } from "../../../test/support/views.ts";
import type { SavedView, WorkloadView } from "../../model/view.ts";
import { describeFacts } from "./describe-facts.ts";
import { describeNotice } from "./describe-notice.ts";

process.env["TZ"] = "UTC"; // times of the day are the reader's own
const hourMs = 3_600_000;
const awake = (change: Partial<WorkloadView>) => buildView({ state: "awake", ...change });
const rule = (change: Partial<WorkloadView>) => describeFacts(awake(change), now).rule;
const saves = (change: Partial<SavedView>) => describeFacts(awake({ saved: buildSaved(change) }), now);

test("when it sleeps, or until when it is kept awake", () => {
  expect(rule({ sleepsAt: now + 37 * 60_000 })).toBe("Sleeps in 37 min, after 40 min without use");
  const hold = { until: now + 6 * hourMs, reason: "the long training" };
  expect(rule({ hold, sleepsAt: hold.until })).toBe("Kept awake until 18:00: the long training");
  expect(rule({ hold: { ...hold, reason: null } })).toBe("Kept awake until 18:00");
  expect(rule({ hold, sleepsAt: now + hourMs })).toBe(
    "Kept awake until 18:00, but sleeps in 1 h: the long training",
  );
  expect(rule({ hold: { until: now + 30 * hourMs, reason: null } })).toBe("Kept awake until Fri 18:00");
  expect(rule({ hold: { until: now - 1, reason: "over" }, idleMs: null })).toBe("Never sleeps by itself");
});

test("the last use, with its age", () => {
  const use = (ageMs: number) =>
    describeFacts(awake({ lastUse: { at: now - ageMs, source: "a cell ran in train.ipynb" } }), now).use;
  expect(use(180_000)).toBe("Last use: a cell ran in train.ipynb, 3 min ago");
  expect(use(-5_000)).toBe("Last use: a cell ran in train.ipynb, just now");
  const long = { at: now, source: "x".repeat(5_000) };
  expect(describeFacts(awake({ lastUse: long }), now).use.length).toBeLessThan(350);
});

test("saves: done, under way, owed for long, never", () => {
  expect(saves({ savedAt: now - 120_000 })).toMatchObject({ saved: "Saved 2 min ago", unsaved: "" });
  expect(saves({ owedSince: now - 2_000 }).saved).toBe("Saving");
  expect(saves({ owedSince: now - 90 * 60_000 }).saved).toBe("Saving since 10:30");
  expect(saves({ savedAt: null }).saved).toBe("Nothing is saved yet");
  expect(saves({ beside: "main", branch: "sesta/notebook/2026-01-15" }).saved).toBe(
    "Saved 5 min ago; saves go to sesta/notebook/2026-01-15, because main moved elsewhere",
  );
});

test("F8: what is not saved says since when and why, and promises nothing about a full disk", () => {
  const since = now - 89 * 60_000;
  const unsaved = (kind: "unreachable" | "disk") =>
    saves({ owedSince: since, problem: { kind, message: "the repository cannot be reached.", since } })
      .unsaved;
  expect(unsaved("unreachable")).toBe(
    "Not saved since 10:31: the repository cannot be reached; files are safe on this machine.",
  );
  expect(unsaved("disk")).toBe("Not saved since 10:31: the repository cannot be reached.");
});

test("a sleep that is near: because of idleness, with a button; because of the cap, without", () => {
  const view = awake({ announced: true, sleepsAt: now + 45_000, idleMs: 2_400_000 });
  const idle = { ...view, lastUse: { at: now + 45_000 - 2_400_000, source: "waking" } };
  expect(describeNotice(idle, now)).toEqual({
    text: "Jupyter Lab will sleep in 45 s because nobody uses it.",
    said: "Jupyter Lab will sleep within a minute because nobody uses it.",
    keep: "Keep it awake",
  });
  const capped = "Jupyter Lab will sleep in 45 s: it was awake as long as it may be.";
  const busy = { ...view, lastUse: { at: now, source: "a kernel is busy" } };
  expect(describeNotice(busy, now)).toMatchObject({ text: capped, keep: "" });
  expect(describeNotice({ ...view, idleMs: null }, now)).toMatchObject({ text: capped, keep: "" });
  expect(describeNotice({ ...idle, state: "sleeping" }, now).text).toBe("");
  expect(describeNotice({ ...idle, announced: false }, now).text).toBe("");
});
