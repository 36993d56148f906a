// One root with the real terraform CLI: planned, applied, changed, and brought to its end after kills at any state write.
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createTerraformRig, findMissingTerraform } from "../../../test/support/terraform-rig.ts";
import { buildExample } from "../../../test/support/terraform-example.ts";

const missing = findMissingTerraform();
if (missing !== "") console.warn(`root.test.ts: skipped: ${missing}`);

const two = buildExample(["a", "b"]);
const nothing = () => undefined;

describe.skipIf(missing !== "")("a root", { timeout: 60_000 }, () => {
  const rigs: ReturnType<typeof createTerraformRig>[] = [];
  const create = (...options: Parameters<typeof createTerraformRig>) => {
    const rig = createTerraformRig(...options);
    rigs.push(rig);
    return rig;
  };
  afterEach(() => rigs.splice(0).forEach((rig) => rig.end()));

  test("what was shown is applied; then nothing is to do; then a change; then nothing is left", async () => {
    const { root, listCloud, listCalls, context } = create();
    const plan = await root.plan(two, nothing);
    expect(plan.changes.map(({ address, actions }) => [address, actions])).toEqual(
      ["aws_instance.a", "aws_instance.b", "aws_internet_gateway.main", "aws_security_group.lab"]
        .concat(["aws_subnet.a", "aws_subnet.b", "aws_vpc.main"])
        .map((address) => [address, ["create"]]),
    );
    expect(listCloud()).toEqual([]);
    const steps: string[] = [];
    const outputs = await root.apply(plan, (event) => event.kind === "done" && steps.push(event.address));
    expect(outputs).toEqual({ vpc: expect.stringMatching(/^aws_vpc-id/) as string });
    expect(steps.toSorted()).toEqual(plan.changes.map(({ address }) => address));
    expect(context.journal.list()).toEqual([]);
    expect((await root.plan(two, nothing)).changes).toEqual([]);
    const change = await root.plan(buildExample(["a"]), nothing);
    expect(change.changes.map(({ address, actions }) => [address, actions])).toEqual([
      ["aws_instance.b", ["delete"]],
      ["aws_subnet.b", ["delete"]],
    ]);
    await root.apply(change, nothing);
    await root.apply(await root.plan(undefined, nothing), nothing);
    expect(listCloud()).toEqual([]);
    expect(listCalls().filter((call) => call.startsWith("create"))).toHaveLength(7);
  });

  test("T16: state, plan, copies and log are for their owner's eyes", async () => {
    const old = process.umask(0);
    try {
      const { root, context } = create();
      await root.apply(await root.plan(two, nothing), nothing);
      for (const name of ["terraform.tfstate", "plan", "apply.jsonl", "main.tf.json", "applied.json"])
        expect([name, statSync(join(context.folder, name)).mode & 0o777]).toEqual([name, 0o600]);
      expect(statSync(context.folder).mode & 0o777).toBe(0o700);
    } finally {
      process.umask(old);
    }
  });

  test("a plan that is not the one that was shown is refused", async () => {
    const { root } = create();
    const shown = await root.plan(two, nothing);
    await root.plan(buildExample(["a"]), nothing);
    await expect(root.apply(shown, nothing)).rejects.toMatchObject({ code: "STALE_PLAN" });
  });

  test("two at once: one works, the other says so and touches nothing", async () => {
    const { root } = create();
    const [first, second] = await Promise.allSettled([
      root.plan(two, nothing),
      root.plan(undefined, nothing),
    ]);
    expect([first.status, second]).toMatchObject([
      "fulfilled",
      { status: "rejected", reason: { code: "BUSY", hint: expect.stringContaining("Wait") as string } },
    ]);
  });

  test("F16: a create that the cloud refuses is told with its address; the next apply makes the rest", async () => {
    const { root, env, listCalls, listCloud } = create();
    env["FAKE_CLOUD_FAIL"] = "aws_subnet:create";
    const failed = root.apply(await root.plan(two, nothing), nothing);
    await expect(failed).rejects.toMatchObject({
      code: "TERRAFORM",
      message: "terraform apply for notebook failed: the cloud refused to create aws_subnet",
      where: expect.stringMatching(/^aws_subnet\./) as string,
    });
    env["FAKE_CLOUD_FAIL"] = undefined;
    await root.apply(await root.plan(two, nothing), nothing);
    expect(listCloud()).toHaveLength(7);
    expect(listCalls().filter((call) => call.startsWith("create "))).toHaveLength(7);
  });

  test("F16: an interrupt ends what was begun; what was made is known", async () => {
    const stop = new AbortController();
    const rig = create({ signal: stop.signal });
    const plan = await rig.root.plan(two, nothing);
    rig.env["FAKE_CLOUD_DELAY_MS"] = "300";
    const applying = rig.root.apply(plan, (event) => event.kind === "started" && stop.abort());
    await expect(applying).rejects.toMatchObject({ code: "INTERRUPTED" });
    const made = rig.listCloud().map(({ id }) => id);
    expect(made.length).toBeGreaterThan(0);
    const state = readFileSync(join(rig.context.folder, "terraform.tfstate"), "utf8");
    for (const id of made) expect(state).toContain(id);
  });

  test("a state that is emptied, or an older one in its place, is brought back from its copies", async () => {
    const { root, context, listCloud } = create();
    await root.apply(await root.plan(buildExample(["a"]), nothing), nothing);
    const state = join(context.folder, "terraform.tfstate");
    const older = readFileSync(state);
    await root.apply(await root.plan(two, nothing), nothing);
    for (const spoil of [
      () => truncateSync(state),
      () => truncateSync(state, 700),
      () => writeFileSync(state, older),
    ]) {
      spoil();
      const { changes, found } = await root.plan(two, nothing);
      expect([changes, found]).toEqual([[], [expect.stringContaining("is back")]]);
    }
    expect(listCloud()).toHaveLength(7);
    expect(existsSync(state)).toBe(true);
  });
});
