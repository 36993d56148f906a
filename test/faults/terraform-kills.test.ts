// F16: Terraform and Sesta killed at every write of a state: nothing is made twice, nothing is forgotten.
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { findClaimed } from "../../src/machine/start-detached.ts";
import { createRoot } from "../../src/targets/terraform/root.ts";
import { buildExample } from "../support/terraform-example.ts";
import { createTerraformRig, findMissingTerraform, setUpTerraform } from "../support/terraform-rig.ts";
import { limitMs, points } from "./support/points.ts";
import { until } from "./support/processes.ts";

const missing = findMissingTerraform() || findMissingTracer();
if (missing !== "") console.warn(`terraform-kills.test.ts: skipped: ${missing}`);

function findMissingTracer(): string {
  try {
    execFileSync("strace", ["-qq", "-o", "/dev/null", "true"], { stdio: "ignore" });
    return "";
  } catch {
    return "strace is not installed, or may not trace";
  }
}

const nothing = () => undefined;
const wanted = buildExample(["a", "b"]);
const all = 7;
/** One for each resource as it is made, and some around them. */
const writes = 12;

type Rig = ReturnType<typeof createTerraformRig>;

describe.skipIf(missing !== "")("kills at a state's writes", { timeout: limitMs(8, writes, 15_000) }, () => {
  const rigs: Rig[] = [];
  const create = (): Rig => {
    const rig = createTerraformRig();
    rigs.push(rig);
    return rig;
  };
  beforeAll(() => void setUpTerraform(), 180_000);
  afterEach(() => rigs.splice(0).forEach((rig) => rig.end()));

  const count = ({ listCalls }: Rig, call: string) =>
    listCalls().filter((one) => one.startsWith(`${call} `)).length;

  async function expectHealed(rig: Rig): Promise<string[]> {
    const again = await rig.root.plan(wanted, nothing);
    await rig.root.apply(again, nothing);
    expect((await rig.root.plan(wanted, nothing)).changes).toEqual([]);
    expect([rig.listCloud().length, count(rig, "create"), count(rig, "delete")]).toEqual([all, all, 0]);
    return [...again.found];
  }

  async function expectGone(rig: Rig): Promise<void> {
    await rig.root.apply(await rig.root.plan(undefined, nothing), nothing);
    expect(rig.listCloud()).toEqual([]);
    expect(count(rig, "delete")).toBe(count(rig, "create"));
  }

  for (const [how, some] of [
    ["signal=KILL", 5],
    ["error=ENOSPC", 3],
  ] as const)
    test.each(points(some, writes))(`${how} at write %i: the next apply finishes it`, async (nth) => {
      const rig = create();
      const failing = createRoot({ ...rig.context, terraform: rig.failing(how, nth + 1) });
      await failing.apply(await failing.plan(wanted, nothing), nothing).catch(() => undefined);
      await expectHealed(rig);
      await expectGone(rig);
    });

  test.each(points(3, writes))("KILL at write %i: `down` takes all of it away", async (nth) => {
    const rig = create();
    const failing = createRoot({ ...rig.context, terraform: rig.failing("signal=KILL", nth + 1) });
    await failing.apply(await failing.plan(wanted, nothing), nothing).catch(() => undefined);
    await expectGone(rig);
  });

  test.each(points(3, writes))("KILL at write %i of a destroy: the next one finishes it", async (nth) => {
    const rig = create();
    await rig.root.apply(await rig.root.plan(wanted, nothing), nothing);
    const failing = createRoot({ ...rig.context, terraform: rig.failing("signal=KILL", nth + 1) });
    await failing.apply(await failing.plan(undefined, nothing), nothing).catch(() => undefined);
    await expectGone(rig);
  });

  test.each(points(3, all - 1))(
    "Sesta killed after %i resources: Terraform goes on, and is waited for",
    async (nth) => {
      const rig = create();
      const claim = join(rig.context.folder, "apply");
      await killAfter(rig, nth);
      expect(await findClaimed(claim)).toBeDefined();
      expect(await expectHealed(rig)).toEqual([]);
      await expectGone(rig);
    },
  );

  test.each(points(3, writes))("Sesta killed, and Terraform at write %i", async (nth) => {
    const rig = create();
    await killAfter(rig, 0, rig.failing("signal=KILL", nth + 1));
    await until(
      async () => !(await findClaimed(join(rig.context.folder, "apply"))),
      "Terraform does not end",
    );
    await expectHealed(rig);
    await expectGone(rig);
  });

  /** Kills a process that applies once so many resources were made. @param terraform the program that it runs */
  async function killAfter(rig: Rig, made: number, terraform?: string): Promise<void> {
    const main = join(import.meta.dirname, "../support/terraform-main.ts");
    const program = terraform === undefined ? [] : [terraform];
    const child = spawn(process.execPath, [main, rig.folder, ...program], {
      env: { ...process.env, FAKE_CLOUD_DELAY_MS: "150" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let done = 0;
    for await (const line of createInterface(child.stdout)) {
      if (line === "done") done += 1;
      if (line === "started" && done >= made) break;
    }
    const over = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await over;
    expect(existsSync(join(rig.context.folder, "apply.jsonl"))).toBe(true);
  }
});
