// What is told of a job whose command died, or was let go of, before its run began or before its outputs were home.
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "./faults/support/processes.ts";
import { createJobProject, listTree, type JobProject, type RunJson } from "./support/job-project.ts";

const yaml = `name: interrupted
workloads:
  slow:
    type: job
    setup: until [ -e "$HOME/go" ]; do sleep 0.1; done
    run: cat program
  brings:
    type: job
    run: head -c 600000000 /dev/zero >big
    fetch: [big]
`;

const listNames = (folder: string) => (existsSync(folder) ? readdirSync(folder) : []);

describe("commands that end before their run does", { timeout: 60_000 }, () => {
  let project: JobProject;
  beforeAll(async () => {
    project = await createJobProject({ yaml });
    project.write("program", "first\n");
  });
  afterAll(() => project?.end(), 60_000);

  const open = (fits: (run: RunJson) => boolean) =>
    until(
      async () => (await project.runs("slow")).slice(0, 1).find(fits),
      () => "no such run of slow came",
    );

  test("F2: killed while it sets up, and the sources change: its run is over, not open for ever", async () => {
    const first = project.begin(["run", "slow"]);
    const { id } = await open(({ why }) => why?.includes("being set up") ?? false);
    first.kill("SIGKILL");
    await first.ended;
    expect((await project.run("slow")).why).toMatch(/same command again/);
    project.write("program", "second\n");
    const second = project.begin(["run", "slow"]);
    await open((run) => run.id !== id && (run.why?.includes("being set up") ?? false));
    const old = (await project.runs("slow")).find((run) => run.id === id);
    expect([old?.state, old?.why]).toEqual(["failed", expect.stringContaining("before it began")]);
    const following = project.begin(["logs", "slow", "-f"]);
    writeFileSync(join(project.home, "go"), "");
    for (const command of [second, following])
      expect(await command.ended).toMatchObject({ code: 0, stdout: "second\n" });
  });

  test("Ctrl-C while its outputs come home: 130, and the same command brings them", async () => {
    const first = project.begin(["run", "brings", "--json"]);
    await until(
      () =>
        listNames(project.path("results", "brings")).some((name) => name.startsWith(".sesta-fetch-")) ||
        undefined,
      () => first.stderr(),
    );
    first.kill("SIGINT");
    const { code } = await first.ended;
    const [run] = await project.runs("brings");
    // Either it was quicker, or it says how it was left.
    if (code === 0) return expect(run?.fetched?.files).toBe(1);
    expect(code).toBe(130);
    expect((await project.must(["run", "brings"])).stderr).toContain(run?.id ?? "?");
    expect((await project.runs("brings")).map(({ id, fetched }) => [id, fetched?.files])).toEqual([
      [run?.id, 1],
    ]);
  });

  test("T15: more than the limit stays there, and how to have it all the same is said", async () => {
    const { code, stderr } = await project.sesta(["fetch", "brings", "--limit", "100MB"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/0\.105 GB[^]*fetch brings-1-\w+ --limit/)]);
    expect((await project.must(["fetch", "brings", "--limit", "1GB"])).stdout).toContain("1 file, 572.2MB");
    const wrong = await project.sesta(["fetch", "brings", "--limit", "lots"]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("a size like 50GB")]);
  });

  test("F2: `down` while another command sets up: it waits, and nothing of it stays", async () => {
    rmSync(join(project.home, "go"));
    project.write("program", "third\n");
    const setting = project.begin(["run", "slow"]);
    await open((run) => run.why?.includes("being set up") ?? false);
    const taking = project.begin(["down", "slow", "-y"]);
    await until(
      () =>
        taking.stderr().includes("sets up the same machine") || taking.stderr().includes("stop") || undefined,
      () => taking.stderr(),
    );
    writeFileSync(join(project.home, "go"), "");
    expect(await setting.ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("stopped before") as string,
    });
    expect((await taking.ended).code).toBe(0);
    expect((await project.workload("slow")).state).toBe("absent");
    const left = listTree(join(project.home, ".sesta", "cache", "trees"));
    expect(left.filter((path) => path.includes("third"))).toEqual([]);
  });
});
