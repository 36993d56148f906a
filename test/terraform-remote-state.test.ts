// A root whose state is in a bucket: locked for everybody, whole after kills, and brought along from where it was.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRoot } from "../src/targets/terraform/root.ts";
import { findBucketServer, type Bucket } from "./support/bucket.ts";
import { buildExample } from "./support/terraform-example.ts";
import { createTerraformRig, findMissingTerraform } from "./support/terraform-rig.ts";

const startBucket = findBucketServer();
const missing = typeof startBucket === "string" ? startBucket : findMissingTerraform();
if (missing !== "") console.warn(`terraform-remote-state.test.ts: skipped: ${missing}`);

const nothing = () => undefined;

describe.skipIf(missing !== "")("a state in a bucket", { timeout: 120_000 }, () => {
  let bucket: Bucket;
  let rig: ReturnType<typeof createTerraformRig>;
  let key = "";
  let count = 0;
  beforeAll(async () => {
    if (typeof startBucket !== "string") bucket = await startBucket();
  }, 180_000);
  afterAll(() => bucket?.end());
  beforeEach(() => {
    key = `root-${(count += 1)}.tfstate`;
    rig = createTerraformRig({ isRemote: true });
    Object.assign(rig.env, {
      AWS_ACCESS_KEY_ID: bucket.id,
      AWS_SECRET_ACCESS_KEY: bucket.secret,
      AWS_ENDPOINT_URL_S3: bucket.url,
      AWS_ENDPOINT_URL_STS: bucket.url,
    });
  });
  afterEach(() => rig.end());

  const build = (zones: readonly string[]) =>
    buildExample(zones, {
      type: "s3",
      settings: {
        bucket: "team",
        key,
        region: "us-east-1",
        encrypt: true,
        use_lockfile: true,
        use_path_style: true,
        skip_credentials_validation: true,
        skip_requesting_account_id: true,
      },
    });
  const creates = () => rig.listCalls().filter((call) => call.startsWith("create ")).length;

  test("it is there, and nowhere else; another copy of the folder goes on from it", async () => {
    const { root, context } = rig;
    await root.apply(await root.plan(build(["a"]), nothing), nothing);
    expect(await bucket.list()).toContain(key);
    expect(existsSync(join(context.folder, "terraform.tfstate"))).toBe(false);
    const elsewhere = createRoot({ ...context, folder: join(rig.folder, "another") });
    expect((await elsewhere.plan(build(["a"]), nothing)).changes).toEqual([]);
    await elsewhere.apply(await elsewhere.plan(undefined, nothing), nothing);
    expect(rig.listCloud()).toEqual([]);
  });

  test("F16: Terraform killed while it applies: its lock goes, nothing is made twice", async () => {
    const { root, context, env } = rig;
    const killer = join(rig.folder, "killed");
    const mark = join(rig.folder, "now");
    writeFileSync(
      killer,
      `#!/bin/sh\n[ "$1" = apply ] || exec terraform "$@"\nterraform "$@" &\nuntil [ -e ${mark} ]; do sleep 0.05; done\nkill -9 $!\nwait $!\n`,
      { mode: 0o755 },
    );
    const killed = createRoot({ ...context, terraform: killer });
    const plan = await killed.plan(build(["a", "b"]), nothing);
    env["FAKE_CLOUD_DELAY_MS"] = "200";
    let done = 0;
    const applying = killed.apply(plan, ({ kind }) => {
      if (kind === "done" && (done += 1) === 3) writeFileSync(mark, "");
    });
    await expect(applying).rejects.toMatchObject({ code: "TERRAFORM" });
    env["FAKE_CLOUD_DELAY_MS"] = undefined;
    expect(await bucket.list()).toContain(`${key}.tflock`);
    expect(creates()).toBeGreaterThanOrEqual(3);
    const again = await root.plan(build(["a", "b"]), nothing);
    expect(again.found.length).toBeGreaterThanOrEqual(3);
    await root.apply(again, nothing);
    expect([rig.listCloud().length, creates()]).toEqual([7, 7]);
  });

  test("somebody else's lock is left alone", async () => {
    const { root, context } = rig;
    await root.apply(await root.plan(build(["a"]), nothing), nothing);
    const lock = {
      ID: "11111111-2222-3333-4444-555555555555",
      Operation: "OperationTypeApply",
      Who: "ana@elsewhere",
      Version: "1.11.4",
      Created: new Date().toISOString(),
      Path: `team/${key}`,
      Info: "",
    };
    await bucket.put(`${key}.tflock`, JSON.stringify(lock));
    await expect(root.plan(build(["a", "b"]), nothing)).rejects.toMatchObject({
      code: "TERRAFORM",
      hint: expect.stringContaining("Another apply holds the state") as string,
    });
    expect(await bucket.list()).toContain(`${key}.tflock`);
    expect(context.journal.list()).toEqual([]);
  });

  test("one that was here moves there", async () => {
    const local = createRoot({ ...rig.context, isRemote: false });
    await local.apply(await local.plan(buildExample(["a"]), nothing), nothing);
    expect((await rig.root.plan(build(["a"]), nothing)).changes).toEqual([]);
    expect(await bucket.list()).toContain(key);
  });
});
