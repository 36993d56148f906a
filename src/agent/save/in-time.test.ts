// Work that has a limited time.
import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { inTime, orAborted } from "./in-time.ts";

const never = () => new Promise<never>(() => undefined);

test("work that is done in time, or fails, is as it is, and leaves nothing behind", async () => {
  const clock = createFakeClock();
  const { signal } = new AbortController();
  expect(await inTime(clock, 5_000, signal, async () => "done")).toBe("done");
  await expect(inTime(clock, 5_000, signal, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(clock.sleeping()).toBe(0);
});

test("after its time it is told, and not waited for", async () => {
  const clock = createFakeClock();
  let told: AbortSignal | undefined;
  const working = inTime(clock, 5_000, new AbortController().signal, (signal) => {
    told = signal;
    return never();
  });
  const ended = expect(working).rejects.toMatchObject({ name: "AbortError" });
  await clock.advance(4_999);
  expect(told?.aborted).toBe(false);
  await clock.advance(1);
  expect(told?.aborted).toBe(true);
  await ended;
});

test("whoever asked can end it, before and while it goes on", async () => {
  const clock = createFakeClock();
  const end = new AbortController();
  const working = inTime(clock, 5_000, end.signal, never);
  end.abort(new Error("enough"));
  await expect(working).rejects.toThrow("enough");
  await expect(inTime(clock, 5_000, end.signal, never)).rejects.toThrow("enough");
  expect(clock.sleeping()).toBe(0);
});

test("a signal that lives long collects no listeners", async () => {
  const { signal } = new AbortController();
  for (let count = 0; count < 5; count += 1) await orAborted(Promise.resolve(count), signal);
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
