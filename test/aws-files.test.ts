// People's files on a machine of AWS: they outlast another machine in its place, and what cannot come home keeps it there.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Target } from "../src/targets/target.ts";
import { createAwsRig, type AwsRig } from "./support/aws-rig.ts";
import { findMissingSshd } from "./support/ssh-server.ts";
import { findMissingTerraform } from "./support/terraform-rig.ts";
import { buildTinyLaunch } from "./support/tiny-launch.ts";

const missing = findMissingTerraform() || findMissingSshd();
if (missing) console.warn(`aws-files.test.ts: skipped: ${missing}`);

const launch = buildTinyLaunch("notebook");
const quiet = () => undefined;

describe.skipIf(missing)("files on a machine of AWS", { timeout: 240_000 }, () => {
  let rig: AwsRig;
  let target: Target;
  beforeEach(async () => {
    rig = await createAwsRig();
    await rig.expect("notebook");
    target = rig.createTarget("aws", "notebook");
    await target.apply(await target.plan("notebook", launch), quiet);
  }, 240_000);
  afterEach(async () => {
    await target.close();
    await rig.end();
  }, 60_000);

  const there = (file: string) => join(rig.home("notebook"), "sesta", "vision", "notebook", file);

  test("another machine in its place has them; the plan says what is lost", async () => {
    writeFileSync(there("work.ipynb"), "hours of work");
    execFileSync("terraform", ["taint", "aws_instance.lab"], {
      cwd: join(rig.project, ".sesta", "terraform", "notebook"),
      env: { ...process.env, ...rig.env },
      stdio: "ignore",
    });
    const plan = await target.plan("notebook", launch);
    expect([plan.action, plan.warnings]).toEqual(["change", [expect.stringContaining("made anew")]]);
    expect(plan.steps).toContain("replace aws_instance.lab (t3.medium)");
    await target.apply(plan, quiet);
    expect(readFileSync(there("work.ipynb"), "utf8")).toBe("hours of work");
    expect(rig.listCloud().filter(({ type }) => type === "aws_instance")).toHaveLength(1);
    expect((await target.plan("notebook", launch)).action).toBe("none");
  });

  test("one that cannot come home keeps the machine; once it is gone, all goes", async () => {
    execFileSync("mkfifo", [there("pipe")]);
    const before = rig.listCloud().map(({ id }) => id);
    const refused = target.apply(await target.plan("notebook", undefined), quiet);
    await expect(refused).rejects.toMatchObject({
      code: "TRANSFER",
      problems: [expect.stringContaining("pipe") as string],
      hint: expect.stringContaining("nothing was taken away") as string,
    });
    expect(rig.listCloud().map(({ id }) => id)).toEqual(before);
    rmSync(there("pipe"));
    await target.apply(await target.plan("notebook", undefined), quiet);
    expect(rig.listCloud()).toEqual([]);
  });
});
