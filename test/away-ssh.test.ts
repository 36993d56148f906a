// A project of which one host is away, by the command line alone: two real sshds, the real JupyterLab.
import { existsSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Change, ProjectStatus } from "../src/model/status.ts";
import { killHard } from "./faults/support/processes.ts";
import { findMissingLab } from "./support/example-project.ts";
import { createJobHosts, type JobHosts } from "./support/job-hosts.ts";
import { createJobProject, listWorkingIn, type JobProject } from "./support/job-project.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missingSshd = findMissingSshd();
const missing = findMissingLab() || (missingSshd ?? "");
if (missing !== "") console.warn(`away-ssh.test.ts is skipped: ${missing}`);

type Shown = { name: string; action: string; warnings: string[] };
type LeftOut = { names: string[]; target: string; why: string; hint: string };
type PlanDocument = { plans: Shown[]; leftOut: LeftOut[] };

/** As ssh says it of a host where nobody listens. */
const refused = /^box (?:cannot be reached|shows no key): .*Connection refused/;

describe.skipIf(missing !== "")("one host of two is away, then gone", { timeout: 240_000 }, () => {
  let hosts: JobHosts;
  let project: JobProject;
  const home = () => hosts.servers[0]?.home ?? "";
  const listRunning = () => listWorkingIn(join(home(), ".sesta", "runs"));
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
        "  near: { type: job, target: other, run: echo near }",
        "  far: { type: job, target: box, run: echo far; sleep 600 }",
        "",
      ].join("\n"),
    });
  }, 60_000);
  afterAll(async () => {
    await project?.end();
    for (const { pid } of listRunning()) await killHard(pid).catch(() => undefined); // nobody else knows of it
    await hosts?.end();
  }, 120_000);

  test("one that nobody has met yet: up brings up the others, says what it left out, and ends with 1", async () => {
    await hosts.cut(0);
    const plan = await project.sesta(["plan"]);
    expect([plan.code, plan.stderr]).toEqual([
      1,
      expect.stringContaining("+ here on local: create") as string,
    ]);
    expect(plan.stderr).toMatch(/^error: there on box is left out: The key of box has not been confirmed/m);
    const { code, stdout, stderr } = await project.sesta(["up", "-y"]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("near  is ready") as string]);
    expect(stdout).not.toContain("far  is ready");
    expect(stderr).toMatch(/^! there, far on box are left out: box shows no key: .*Connection refused/m);
    expect(stderr).toMatch(
      /^error: there, far on box are left out: box .*\ntry: .*`ssh 127\.0\.0\.1`.* Then run `sesta up there far`\.$/m,
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
    expect(existsSync(join(home(), "sesta", "spread", "there"))).toBe(true);
  });

  test("--forget asks, warns where the host can be reached, and is for no workload of this machine", async () => {
    await project.must(["up", "-y"]);
    await project.must(["run", "far", "-d"]);
    await project.untilRun("far", ({ state }) => state === "running");
    const { code, stdout, stderr } = await project.sesta(["down", "there", "far", "--forget"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^- there on box: forget .*\n {4}strike there from this project's record/m);
    expect(stderr).toMatch(/! what runs on box goes on, and its files are there alone\n/);
    expect(stderr).toMatch(/! box can be reached: `sesta down there` takes away what is there, too\n/);
    expect(stderr).toMatch(/! far-1-\w+ may go on there\n {2}! box can be reached: `sesta down far`/);
    expect(await project.sesta(["down", "here", "--forget", "-y"])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/here is on this machine[^]*`sesta down here`/) as string,
    });
    expect(await states()).toMatchObject({ here: "asleep", there: "asleep", far: "awake" });
  });

  test("gone for good: down says how it is forgotten; then the record goes, and what is there is named and stays", async () => {
    const { pid } = await project.workload("there");
    await hosts.cut(0);
    for (const name of ["there", "far"])
      expect(await project.sesta(["down", name, "-y"])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining(
          `If it is gone for good, \`sesta down ${name} --forget\`.\n`,
        ) as string,
      });
    const { stdout, stderr } = await project.must(["down", "there", "far", "--forget", "-y"]);
    expect(stderr).not.toContain("can be reached");
    expect(stdout).toMatch(
      /^there\n {2}gone {5}there, from this project's record\n {2}remains {2}box: ~\/sesta\/spread\/there\n {2}remains {2}box: ~\/\.sesta\/projects\/spread, with its environment, settings, logs\n/,
    );
    const left = [...stdout.matchAll(/remains {2}box: (\/\S+)/g)].map(([, path]) => path ?? "");
    expect(left.filter((path) => path.startsWith(join(home(), ".sesta", "runs", "far-1-")))).toHaveLength(1);
    expect(left.filter((path) => !existsSync(path))).toEqual([]);
    expect([pid, existsSync(join(home(), "sesta", "spread", "there"))]).toEqual([null, true]);
    expect(listRunning()).toContainEqual(
      expect.objectContaining({ command: "sh -c echo far; sleep 600" }) as object,
    );
  });

  test("nobody asks the host any more, and what happened is in the record", async () => {
    expect(await project.run("far")).toMatchObject({ state: "lost", why: "Its machine was forgotten." });
    const { events } = await project.json<{ events: Change[] }>(["history", "there"]);
    expect(events.at(-1)).toMatchObject({ from: "asleep", to: "absent", by: "owner" });
    const { workloads } = await project.status();
    expect(workloads.find(({ name }) => name === "there")).toMatchObject({
      state: "absent",
      why: expect.stringContaining("`sesta up there`") as string,
    });
    const yaml = await project.read("sesta.yaml");
    project.write("sesta.yaml", yaml.replace(/^ {2}(?:box|there|far): .*\n/gm, ""));
    const plan = await project.must(["plan"]);
    expect(plan.stderr).toMatch(/here on local: unchanged/);
    expect(plan.stderr).not.toMatch(/box|there|far/);
    project.write("sesta.yaml", yaml);
  });

  test("it came back all the same: up takes over what is there, and down takes it away", async () => {
    await hosts.restore(0);
    const { stderr } = await project.must(["up", "there", "-y"]);
    expect(stderr).toContain("there is up on box already");
    const { stdout } = await project.must(["down", "-y"]);
    expect(stdout).toMatch(/there\n +gone[^]*the gateway has ended\n$/);
  });
});

test.skipIf(missingSshd !== undefined)(
  "a host that hangs up is asked once, however many labs and jobs are on it",
  async () => {
    let asked = 0;
    const host = createServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    const { port } = host.address() as AddressInfo;
    const project = await createJobProject({
      yaml: [
        "name: spread",
        `targets: { box: { type: ssh, hosts: [{ name: box, host: 127.0.0.1, port: ${port}, user: nobody }] } }`,
        "workloads:",
        "  first: { type: job, target: box, run: echo first }",
        "  second: { type: job, target: box, run: echo second }",
        "  there: { type: lab, target: box }",
        "  near: { type: job, run: echo near }",
        "",
      ].join("\n"),
    });
    try {
      const { code, stdout, stderr } = await project.sesta(["up", "-y"]);
      expect([code, stdout]).toEqual([1, "\nnear  is ready: sesta run near\n"]);
      expect(stderr).toMatch(/^error: there, first, second on box are left out: /m);
      expect(asked).toBe(1);
    } finally {
      await project.end();
      host.close();
    }
  },
);

describe.skipIf(missingSshd !== undefined)("a host that goes away meanwhile", { timeout: 120_000 }, () => {
  test("up: the others get their turn, and it is left out with what was being done", async () => {
    const hosts = await createJobHosts(["box", "other"]);
    const [box, other] = hosts.shown;
    const { pid } = hosts.servers[0] ?? { pid: 0 };
    const leave = `kill -9 ${pid} $(ps -o pid= --ppid ${pid}); sleep 5`;
    const project = await createJobProject({
      yaml: [
        "name: spread",
        "targets:",
        `  box: { type: ssh, hosts: [${box}] }`,
        `  other: { type: ssh, hosts: [${other}] }`,
        "workloads:",
        `  far: { type: job, target: box, setup: "${leave}", run: echo far }`,
        "  near: { type: job, target: other, run: echo near }",
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
