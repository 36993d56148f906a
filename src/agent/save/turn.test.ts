// One piece of work at a time, in order, whatever becomes of the others.
import { expect, test } from "vitest";
import { createTurn } from "./turn.ts";

test("in order, one at a time; one that fails holds up nobody", async () => {
  const turn = createTurn();
  const log: string[] = [];
  const work = (name: string, fails = false) =>
    turn.run(async () => {
      log.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      log.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const all = await Promise.allSettled([work("one"), work("two", true), work("three")]);
  expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(log).toEqual(["one begins", "one ends", "two begins", "two ends", "three begins", "three ends"]);
});

test("closed: what was asked for before still runs, nothing more begins", async () => {
  const end = new AbortController();
  const turn = createTurn(end.signal);
  const before = turn.run(async () => "done");
  end.abort(new Error("closed"));
  const log: string[] = [];
  await expect(turn.run(async () => log.push("late"))).rejects.toThrow("closed");
  expect(await before).toBe("done");
  expect(log).toEqual([]);
});
