// What was shut by a command that died opens by itself, and not before.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createShutter } from "./shutter.ts";

test("it stays shut for as long as somebody is heard of, and opens a minute after the last word", async () => {
  const clock = createFakeClock();
  const shutter = createShutter(clock);
  expect(shutter.isShut()).toBe(false);
  shutter.set(true);
  for (let word = 0; word < 10; word += 1) {
    await clock.advance(30_000);
    shutter.keep();
  }
  await clock.advance(59_000);
  expect(shutter.isShut()).toBe(true);
  await clock.advance(2_000);
  expect(shutter.isShut()).toBe(false);
  shutter.keep();
  expect(shutter.isShut()).toBe(false);
});

test("it opens when it is told to", () => {
  const shutter = createShutter(createFakeClock());
  shutter.set(true);
  shutter.set(false);
  shutter.keep();
  expect(shutter.isShut()).toBe(false);
});
