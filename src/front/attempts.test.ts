// Counting wrong passwords: blocks that grow, holds that pass, clocks that jump.
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createAttempts } from "./attempts.ts";

describe("T2: attempts", () => {
  test("five are free, then each wrong one doubles the block, up to 15 minutes", async () => {
    const clock = createFakeClock();
    const attempts = createAttempts(clock);
    const blocks: number[] = [];
    for (let index = 0; index < 17; index++) {
      attempts.countSource("a", "lab");
      const blocked = attempts.blockedMs("a");
      blocks.push(blocked / 1000);
      await clock.advance(blocked);
      expect(attempts.blockedMs("a")).toBe(0);
    }
    expect(blocks).toEqual([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    expect(attempts.blockedMs("b")).toBe(0);
  });

  test("a moved system clock neither opens nor prolongs a block", async () => {
    const clock = createFakeClock();
    const attempts = createAttempts(clock);
    for (let index = 0; index < 8; index++) attempts.countSource("a", "lab");
    const before = attempts.blockedMs("a");
    clock.jumpWall(86_400_000);
    expect(attempts.blockedMs("a")).toBe(before);
    clock.jumpWall(-2 * 86_400_000);
    expect(attempts.blockedMs("a")).toBe(before);
  });

  test("success forgives what was wrong at the same account only", () => {
    const attempts = createAttempts(createFakeClock());
    for (let index = 0; index < 4; index++) attempts.countSource("a", "theirs");
    attempts.countSource("a", "own");
    expect(attempts.blockedMs("a")).toBeGreaterThan(0);
    attempts.forgive("a", "own");
    attempts.countSource("a", "theirs");
    expect(attempts.blockedMs("a")).toBe(1000);
    attempts.forgive("a", "theirs");
    expect(attempts.blockedMs("a")).toBe(0);
    expect(attempts.size()).toBe(0);
  });

  test("an hour of silence brings the free ones back", async () => {
    const clock = createFakeClock();
    const attempts = createAttempts(clock);
    for (let index = 0; index < 9; index++) attempts.countSource("a", "lab");
    await clock.advance(3_600_000);
    attempts.countSource("a", "lab");
    expect(attempts.blockedMs("a")).toBe(0);
  });

  test("an account's hold grows, stays under the owner's 2 s whatever happens, and passes", async () => {
    const clock = createFakeClock();
    const attempts = createAttempts(clock);
    const holds: number[] = [];
    for (let index = 0; index < 2000; index++) {
      attempts.countAccount("lab");
      holds.push(attempts.holdMs("lab"));
    }
    expect(holds.slice(8, 16)).toEqual([0, 100, 200, 400, 800, 1500, 1500, 1500]);
    expect(Math.max(...holds)).toBe(1500);
    expect(attempts.holdMs("other")).toBe(0);
    await clock.advance(900_000);
    expect(attempts.holdMs("lab")).toBe(0);
  });

  test("at most 10,000 sources are remembered, and a busy one is not pushed out", () => {
    const attempts = createAttempts(createFakeClock());
    for (let index = 0; index < 25_000; index++) {
      attempts.countSource(`s${index}`, "lab");
      if (index % 5000 === 0) for (let again = 0; again < 3; again++) attempts.countSource("busy", "lab");
    }
    expect(attempts.size()).toBe(10_000);
    expect(attempts.blockedMs("busy")).toBeGreaterThan(0);
  });
});
