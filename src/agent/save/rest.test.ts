// A loop's rest ends at its time, by a call, by a call that came before it, and with the loop.
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { createRest } from "./rest.ts";

function begin(ms: number | null) {
  const clock = createFakeClock();
  const rest = createRest(clock);
  const end = new AbortController();
  const state = { over: false };
  const start = () => void rest.rest(ms, end.signal).then(() => (state.over = true));
  return { clock, rest, end, state, start };
}

test("it ends at its time, not before", async () => {
  const { clock, state, start } = begin(5_000);
  start();
  await clock.advance(4_999);
  expect(state.over).toBe(false);
  await clock.advance(1);
  expect(state.over).toBe(true);
});

test("it ends when woken, also when that came before it began, and only once", async () => {
  const { clock, rest, state, start } = begin(null);
  rest.wake();
  start();
  await clock.advance(0);
  expect(state.over).toBe(true);
  state.over = false;
  start();
  await clock.advance(60_000);
  expect(state.over).toBe(false);
  rest.wake();
  rest.wake();
  await clock.advance(0);
  expect(state.over).toBe(true);
});

test("it ends with the loop, and leaves no sleeper behind", async () => {
  const { clock, end, state, start } = begin(null);
  start();
  await clock.advance(0);
  end.abort();
  await clock.advance(0);
  expect(state.over).toBe(true);
  expect(clock.sleeping()).toBe(0);
});
