// The lane before the slow hash: one runs, a few wait, the rest is turned away.
import { expect, test } from "vitest";
import { createLane } from "./lane.ts";

test("one runs, eight wait in order, the tenth is turned away; a failure does not stop the rest", async () => {
  const lane = createLane(8);
  const order: number[] = [];
  let running = 0;
  const results = Array.from({ length: 10 }, (_, index) =>
    lane.run(async () => {
      expect(++running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      order.push(index);
      if (index === 2) throw new Error("third");
      return index;
    }),
  );
  const settled = await Promise.allSettled(results);
  expect(settled.map((one) => (one.status === "fulfilled" ? one.value : "failed"))).toEqual([
    0,
    1,
    "failed",
    3,
    4,
    5,
    6,
    7,
    8,
    "full",
  ]);
  expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(await lane.run(async () => "free again")).toBe("free again");
});
