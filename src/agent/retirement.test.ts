// When an agent ends by itself.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { retireUnused } from "./retirement.ts";

const minute = 60_000;

test("after a quarter of an hour without workloads, watchers and questions", async () => {
  const clock = createFakeClock();
  let [needed, askedAt, retired] = [true, 0, 0];
  const { signal } = new AbortController();
  const ended = retireUnused({
    clock,
    isNeeded: () => needed,
    askedAt: () => askedAt,
    retire: () => (retired += 1),
    signal,
  });
  await clock.advance(60 * minute);
  expect(retired).toBe(0);
  needed = false;
  askedAt = clock.monotonic();
  await clock.advance(14 * minute);
  askedAt = clock.monotonic();
  await clock.advance(14 * minute);
  expect(retired).toBe(0);
  await clock.advance(2 * minute);
  await ended;
  expect(retired).toBe(1);
});
