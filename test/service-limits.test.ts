// A service that runs as a process is held to its cores and its memory, where this machine lets root write cgroups.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askForLimits } from "../src/commands/replica-limits.ts";
import { until } from "./faults/support/processes.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { createScratchProject, type ScratchProject } from "./support/scratch-project.ts";

const [program, ...operands] = askForLimits;
const way = spawnSync(program, operands, { encoding: "utf8" }).stdout.trim();
const missing =
  findMissingPackage("busybox-static", () => existsSync("/bin/busybox")) ??
  (way === "v1" || way === "v2" ? undefined : `this machine holds processes in another way: ${way}`);
if (missing !== undefined) console.log(`skipped: ${missing}`);

const yaml = `name: held
workloads:
  app:
    type: service
    cpus: 0.5
    memory: 64MB
    stop: 2s
    command: |
      busybox httpd -f -p 127.0.0.1:$PORT -h . &
      while [ ! -e eat ]; do sleep 0.1; done
      rm eat
      x=$(busybox yes | busybox head -c 300000000)
`;

describe.skipIf(missing !== undefined)("limits of a process", { timeout: 60_000 }, () => {
  let project: ScratchProject;
  beforeAll(async () => {
    project = await createScratchProject(yaml);
    writeFileSync(join(project.folder, "health"), "ok\n");
    const { code, stderr } = await project.sesta(["up", "-y"]);
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("cpus: 0.5")]);
  }, 60_000);
  afterAll(() => project?.end(), 60_000);

  const findCgroups = async () => {
    const { pid } = await project.workload("app");
    return readFileSync(`/proc/${pid}/cgroup`, "utf8")
      .split("\n")
      .flatMap((line) => {
        const [, controller = "", path = ""] = line.split(":");
        return path.includes("/sesta-") ? [join("/sys/fs/cgroup", controller, path)] : [];
      });
  };

  test("its cgroups have the limits, and go with it; memory that runs out is named", async () => {
    const cgroups = await findCgroups();
    const read = (name: string) =>
      cgroups.flatMap((folder) =>
        existsSync(join(folder, name)) ? [readFileSync(join(folder, name), "utf8").trim()] : [],
      );
    expect([...read("memory.limit_in_bytes"), ...read("memory.max")]).toEqual([String(64 * 1024 ** 2)]);
    expect([...read("cpu.cfs_quota_us"), ...read("cpu.max")]).toEqual([
      way === "v1" ? "50000" : "50000 100000",
    ]);

    const agent = join(project.folder, ".sesta", "agent");
    writeFileSync(join(agent, "services", "app", "1", "tree", "eat"), "");
    await until(() => readFileSync(join(agent, "agent.log"), "utf8").includes("OOM"), "OOM is not told");
    await until(() => cgroups.every((folder) => !existsSync(folder)), "its cgroups stay");
    const again = await until(async () => {
      const found = await findCgroups().catch(() => []);
      return found.length > 0 ? found : undefined;
    }, "it is not started again");
    expect((await project.sesta(["down", "-y"])).code).toBe(0);
    expect(again.filter((folder) => existsSync(folder))).toEqual([]);
  });
});
