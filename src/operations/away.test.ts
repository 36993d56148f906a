// What is left out when a host is away, what is not, and what is said of it.
import { expect, test } from "vitest";
import { SestaError } from "../base/errors.ts";
import { createAway } from "./away.ts";

const [notebook, course, train] = ["notebook", "course", "train"].map((name) => ({
  name,
  target: "box",
})) as [{ name: string; target: string }, { name: string; target: string }, { name: string; target: string }];
const refused = new SestaError("SSH_CONNECTION", "box cannot be reached: refused", { hint: "Check it." });
const fail = (error: unknown) => async () => {
  throw error;
};

test("without names: left out once, not tried again, and told of together", async () => {
  const away = createAway("up", []);
  expect(await away.attempt([notebook], async () => 1)).toBe(1);
  expect([away.has("notebook"), away.list()]).toEqual([false, []]);
  expect(await away.attempt([notebook, course], fail(refused))).toBeUndefined();
  expect(await away.attempt([course], fail(new Error("tried again")))).toBeUndefined();
  const broke = new SestaError("SSH_CONNECTION", "the connection to box broke");
  await away.attempt([train], fail(broke));
  expect(away.list()).toEqual([
    {
      names: ["notebook", "course"],
      target: "box",
      why: "box cannot be reached: refused",
      hint: "Check it. Then run `sesta up notebook course`.",
    },
    {
      names: ["train"],
      target: "box",
      why: "the connection to box broke",
      hint: "When its host is back, run `sesta up train`.",
    },
  ]);
});

test("another failure is one of the whole: a host with another key too, and Ctrl-C", async () => {
  const away = createAway("down", []);
  for (const error of [
    new SestaError("HOST_KEY_CHANGED", "another key"),
    new SestaError("INTERRUPTED", "Stopped"),
    new Error("a bug"),
  ])
    await expect(away.attempt([notebook], fail(error))).rejects.toBe(error);
  expect(away.list()).toEqual([]);
});

test("whose key nobody has confirmed is left out of a plan, which asks nobody; elsewhere somebody said no", async () => {
  const unknown = new SestaError("HOST_KEY_UNKNOWN", "not confirmed", { hint: "Run `sesta up`." });
  const plan = createAway("plan", []);
  await plan.attempt([notebook], fail(unknown));
  expect(plan.list()).toMatchObject([{ names: ["notebook"], why: "not confirmed" }]);
  await expect(createAway("up", []).attempt([notebook], fail(unknown))).rejects.toBe(unknown);
});

test("with names nothing is left out", async () => {
  const away = createAway("up", ["notebook"]);
  await expect(away.attempt([notebook], fail(refused))).rejects.toBe(refused);
  expect(away.has("notebook")).toBe(false);
});
