// What people do at the doors, as the agent is told of it.
import { expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createUseTeller } from "./use-teller.ts";

function createRig() {
  const clock = createFakeClock();
  const told: string[] = [];
  const answers: (() => void)[] = [];
  const tell = createUseTeller(clock, (name, source, kind) => {
    told.push(`${name}: ${source} (${kind})`);
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  const answer = async () => {
    answers.shift()?.();
    await clock.advance(0);
  };
  return { clock, told, tell, answer };
}

test("F22: a change right after another one is told too: the agent may have begun a sleep in between", async () => {
  const { told, tell, answer } = createRig();
  tell("lab", "first", "change");
  for (let index = 0; index < 500; index++) tell("lab", `crowd ${index}`, "change");
  expect(told).toEqual(["lab: first (change)"]);
  await answer();
  expect(told).toEqual(["lab: first (change)", "lab: crowd 499 (change)"]);
  await answer();
  tell("lab", "later", "change");
  expect(told.slice(2)).toEqual(["lab: later (change)"]);
});

test("kinds and workloads do not wait for each other", () => {
  const { told, tell } = createRig();
  tell("lab", "typed", "frame");
  tell("lab", "came", "visit");
  tell("lab", "saved", "change");
  tell("other", "saved", "change");
  expect(told).toHaveLength(4);
});

test("frames are told once a second", async () => {
  const { clock, told, tell, answer } = createRig();
  tell("lab", "typed", "frame");
  await answer();
  await clock.advance(999);
  tell("lab", "typed", "frame");
  expect(told).toHaveLength(1);
  await clock.advance(1);
  tell("lab", "typed", "frame");
  expect(told).toHaveLength(2);
});
