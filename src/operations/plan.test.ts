// Plans of a project: which workloads they take in, orphans, names that nobody has, and what a launch is built from.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildTinyLaunch } from "../../test/support/tiny-launch.ts";
import { createScratchContext, type ScratchContext } from "../../test/support/scratch-context.ts";
import { planDown, planUp, requireKnown } from "./plan.ts";

const yaml =
  "name: team\nworkloads:\n  notebook: { type: lab }\n  course: { type: lab, requirements: needs.txt }\n";
const plain = yaml.replace(", requirements: needs.txt", "");
let scratch: ScratchContext;

beforeEach(async () => {
  scratch = await createScratchContext(plain);
});
afterEach(() => scratch.end());

function place(name: string, target = "local") {
  const launch = buildTinyLaunch(name);
  scratch.context.state.saveWorkload({
    name,
    type: "lab",
    target,
    launch,
    digest: "x",
    placedAt: 1,
  });
}

describe("up", () => {
  test("all that is declared, in its order; or those that are named, in theirs", async () => {
    const names = async (...chosen: string[]) =>
      (await planUp(scratch.context, chosen)).plans.map(({ name }) => name);
    expect([await names(), await names("course"), await names("course", "notebook")]).toEqual([
      ["notebook", "course"],
      ["course"],
      ["course", "notebook"],
    ]);
  });

  test("what exists but is not declared is an orphan, and is not planned", async () => {
    place("notebook");
    place("old");
    const { plans, orphans } = await planUp(scratch.context);
    expect([plans.map(({ action }) => action), orphans]).toEqual([["change", "create"], ["old"]]);
  });

  test("a name that nobody has is refused, with the nearest", async () => {
    await expect(planUp(scratch.context, ["notebok"])).rejects.toMatchObject({
      code: "UNKNOWN_WORKLOAD",
      hint: 'Did you mean "notebook"?',
    });
    for (const name of ["constructor", "__proto__", "toString", ""]) {
      await expect(planUp(scratch.context, [name])).rejects.toMatchObject({ code: "UNKNOWN_WORKLOAD" });
    }
  });

  test("what is up elsewhere than the file wants is refused, with how it is moved", async () => {
    const context = await scratch.reopen(`${plain}target: box\ntargets:\n  box: { type: local }\n`);
    place("notebook");
    await expect(planUp(context, ["notebook"])).rejects.toMatchObject({
      code: "TARGET_CHANGED",
      message: "notebook is up on local; sesta.yaml wants it on box",
      hint: expect.stringContaining("sesta down notebook") as string,
    });
    expect((await planDown(context, ["notebook"])).plans).toMatchObject([{ target: "local" }]);
  });

  test("a requirements file is part of the launch: another content is another plan", async () => {
    writeFileSync(join(scratch.folder, "needs.txt"), "six # why\n\nattrs==25.3\n");
    const context = await scratch.reopen(yaml);
    const plan = async () => (await planUp(context, ["course"])).plans[0];
    const first = await plan();
    expect(first?.wanted?.environment?.requirements).toEqual(["six", "attrs==25.3"]);
    writeFileSync(join(scratch.folder, "needs.txt"), "six\n");
    expect((await plan())?.basis).not.toBe(first?.basis);
  });
});

describe("down", () => {
  test("all that exists, declared or not; nothing for what is declared only", async () => {
    place("old");
    const names = async (...chosen: string[]) =>
      (await planDown(scratch.context, chosen)).plans.map(({ name, action }) => `${name} ${action}`);
    expect([await names(), await names("old"), await names("notebook")]).toEqual([
      ["old destroy"],
      ["old destroy"],
      [],
    ]);
    await expect(planDown(scratch.context, ["odl"])).rejects.toMatchObject({
      code: "UNKNOWN_WORKLOAD",
      hint: 'Did you mean "old"?',
    });
  });
});

test("known is what is declared or exists", () => {
  place("old");
  for (const name of ["notebook", "old"]) expect(() => requireKnown(scratch.context, name)).not.toThrow();
  expect(() => requireKnown(scratch.context, "other")).toThrow(
    expect.objectContaining({ code: "UNKNOWN_WORKLOAD" }) as Error,
  );
});

test("a project without workloads says how to get one", async () => {
  const context = await scratch.reopen("name: team\n");
  await expect(planUp(context, ["x"])).rejects.toMatchObject({
    hint: expect.stringContaining("workloads:") as string,
  });
  expect((await planUp(context)).plans).toEqual([]);
});
