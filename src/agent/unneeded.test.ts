// When an agent ends by itself.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { untilUnneeded } from "./unneeded.ts";

test("after a while without workloads, watchers and questions", async () => {
  const clock = createFakeClock();
  let [needed, asked, isOver] = [true, 0, false];
  const { signal } = new AbortController();
  const need = { clock, isNeeded: () => needed, lastAsked: () => asked, signal };
  const over = untilUnneeded(need).then(() => (isOver = true));
  await clock.advance(3_600_000);
  needed = false;
  asked = clock.monotonic();
  await clock.advance(9_000);
  asked = clock.monotonic();
  await clock.advance(9_000);
  expect(isOver).toBe(false);
  await clock.advance(11_000);
  await over;
  expect(isOver).toBe(true);
});
