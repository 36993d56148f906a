// A project of which one host is away, by the command line alone: two real sshds, the real JupyterLab.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ProjectStatus } from "../src/model/status.ts";
import { findMissingLab } from "./support/example-project.ts";
import { createJobHosts, type JobHosts } from "./support/job-hosts.ts";
import { createJobProject, type JobProject } from "./support/job-project.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missing = findMissingLab() || (findMissingSshd() ?? "");
if (missing !== "") console.warn(`away-ssh.test.ts is skipped: ${missing}`);

type Shown = { name: string; action: string; warnings: string[] };
type LeftOut = { names: string[]; target: string; why: string; hint: string };
type PlanDocument = { plans: Shown[]; leftOut: LeftOut[] };

/** As ssh says it of a host where nobody listens. */
const refused = /^box (?:cannot be reached|shows no key): .*Connection refused/;

describe.skipIf(missing !== "")("one host of two is away", { timeout: 240_000 }, () => {
  let hosts: JobHosts;
  let project: JobProject;
  const states = async () => {
    const { workloads } = JSON.parse((await project.sesta(["status", "--json"])).stdout) as ProjectStatus;
    return Object.fromEntries(workloads.map(({ name, state }) => [name, state]));
  };
  const read = <Document>(ran: { stdout: string }) => JSON.parse(ran.stdout) as Document;

  beforeAll(async () => {
    hosts = await createJobHosts(["box", "other"]);
    const [box, other] = hosts.shown;
    project = await createJobProject({
      yaml: [
        "name: spread",
        "targets:",
        `  box: { type: ssh, hosts: [${box}] }`,
        `  other: { type: ssh, hosts: [${other}] }`,
        "workloads:",
        "  here: { type: lab }",
        "  there: { type: lab, target: box }",
        "  near: { type: job, target: other, data: [sesta.yaml], run: echo near }",
        "  far: { type: job, target: box, data: [sesta.yaml], run: echo far }",
        "",
      ].join("\n"),
    });
  }, 60_000);
  afterAll(async () => {
    await project?.end();
    await hosts?.end();
  }, 120_000);

  test("one that nobody has met yet: up brings up the others, says what it left out, and ends with 1", async () => {
    await hosts.cut(0);
    const { code, stdout, stderr } = await project.sesta(["up", "-y"]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("near  is ready") as string]);
    expect(stdout).not.toContain("far  is ready");
    expect(stderr).toMatch(/^! far, there on box are left out: box shows no key: .*Connection refused/m);
    expect(stderr).toMatch(
      /^error: far, there on box are left out: box .*\ntry: .*`ssh 127\.0\.0\.1`.* Then run `sesta up far there`\.$/m,
    );
    expect(await states()).toMatchObject({ here: "asleep", there: "absent", near: "asleep", far: "absent" });
    await hosts.restore(0);
    await project.must(["up", "-y"]);
    expect(await states()).toEqual({ here: "asleep", there: "asleep", near: "asleep", far: "asleep" });
  });

  test("plan: of the others as always; labs and jobs on it are left out with the reason; it ends with 1", async () => {
    await hosts.cut(0);
    const ran = await project.sesta(["plan", "--json"]);
    const { plans, leftOut } = read<PlanDocument>(ran);
    expect(plans.map(({ name, action }) => [name, action])).toEqual([
      ["here", "none"],
      ["near", "none"],
    ]);
    expect([ran.code, leftOut]).toEqual([
      1,
      [
        {
          names: expect.arrayContaining(["there", "far"]) as string[],
          target: "box",
          why: expect.stringMatching(refused) as string,
          hint: expect.stringMatching(/`ssh 127\.0\.0\.1`\. Then run `sesta plan \w+ \w+`\.$/) as string,
        },
      ],
    ]);
    const { code, stderr } = await project.sesta(["plan"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/here on local: unchanged\n/) as string]);
    expect(stderr).toMatch(/^error: .* on box are left out: box cannot be reached/m);
    expect(stderr).not.toContain("Nothing to change");
  });

  test.each(["there", "far"])("%s by its name fails as a whole, and changes nothing", async (name) => {
    const before = await states();
    for (const verb of ["plan", "up", "down"]) {
      const { code, stdout, stderr } = await project.sesta([verb, "here", name, "-y", "--json"]);
      expect([verb, code, JSON.parse(stdout)]).toEqual([
        verb,
        1,
        {
          error: expect.objectContaining({
            code: "SSH_CONNECTION",
            message: expect.stringMatching(refused) as string,
          }) as object,
        },
      ]);
      expect(stderr).not.toContain("left out");
    }
    expect(await states()).toEqual(before);
  });

  test("what is elsewhere is taken down by its name as if no other host were away", async () => {
    expect((await project.must(["down", "near", "-y"])).stdout).toMatch(/^near\n +gone +other: /);
    await project.must(["up", "near", "-y"]);
  });

  test("down: takes the others away with their receipts, and keeps the gateway for what is still up", async () => {
    const { code, stdout, stderr } = await project.sesta(["down", "-y"]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(
        /here\n +gone[^]*near\n +gone[^]*the gateway goes on for what is still up\n$/,
      ) as string,
    ]);
    expect(stderr).toMatch(/^! (?:far, there|there, far) on box are left out: box cannot be reached/m);
    expect(stderr).toMatch(/^try: .* Then run `sesta down (?:far there|there far)`/m);
    expect(await states()).toEqual({ here: "absent", there: "asleep", near: "absent", far: "asleep" });
    expect((await project.status()).gateway.pid).not.toBeNull();
  });

  test("it is back: the same command does the rest", async () => {
    await hosts.restore(0);
    const { stdout } = await project.must(["down", "-y"]);
    expect(stdout).toMatch(/there\n +gone[^]*far\n +gone[^]*the gateway has ended\n$/);
    expect(Object.values(await states())).toEqual(["absent", "absent", "absent", "absent"]);
    expect(existsSync(join(hosts.servers[0]?.home ?? "", "sesta", "spread", "there"))).toBe(true);
  });
});

const missingSshd = findMissingSshd();

describe.skipIf(missingSshd !== undefined)("a host that goes away meanwhile", { timeout: 120_000 }, () => {
  test("up: the others get their turn, and it is left out with what was being done", async () => {
    const hosts = await createJobHosts(["box", "other"]);
    const [box, other] = hosts.shown;
    const { pid } = hosts.servers[0] ?? { pid: 0 };
    const leave = `kill -9 ${pid} $(ps -o pid= --ppid ${pid}); sleep 60`;
    const project = await createJobProject({
      yaml: [
        "name: spread",
        "targets:",
        `  box: { type: ssh, hosts: [${box}] }`,
        `  other: { type: ssh, hosts: [${other}] }`,
        "workloads:",
        `  far: { type: job, target: box, data: [sesta.yaml], setup: "${leave}", run: echo far }`,
        "  near: { type: job, target: other, data: [sesta.yaml], run: echo near }",
        "",
      ].join("\n"),
    });
    try {
      const { code, stdout, stderr } = await project.sesta(["up", "-y"]);
      expect([code, stdout]).toEqual([1, "\nnear  is ready: sesta run near\n"]);
      expect(stderr).toMatch(
        /^error: far on box is left out: .*box (?:broke|cannot be reached).*\ntry: .* Then run `sesta up far`\.$/m,
      );
    } finally {
      await project.end();
      await hosts.end();
    }
  });
});
