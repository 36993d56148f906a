// F19: a run that outgrows the memory of its cgroup is reported as that, with its peak and the limit, and nothing else dies.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judgeNode } from "../../src/operations/jobs/judge.ts";
import { createRunRig, type RunRig } from "../support/run-rig.ts";
import { until } from "./support/processes.ts";

const limitBytes = 64 * 1024 * 1024;
const memory = "/sys/fs/cgroup/memory"; // version 1
const group = join(memory, `sesta-test-${process.pid}`);

/** Why none can be made; undefined once it is there, with its limit. */
function findMissingCgroup(): string | undefined {
  if (!existsSync(join(memory, "memory.limit_in_bytes"))) return "there is no cgroup of version 1 for memory";
  try {
    mkdirSync(group);
    writeFileSync(join(group, "memory.limit_in_bytes"), String(limitBytes));
    return undefined;
  } catch (error) {
    return `no cgroup can be made: ${String(error)}`;
  }
}

const missing =
  findMissingCgroup() ?? (spawnSync("python3", ["-V"]).status === 0 ? undefined : "python3 is missing");
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("F19: in a cgroup of 64 MB", { timeout: 90_000 }, () => {
  let rig: RunRig;
  beforeAll(() => {
    rig = createRunRig("dash");
  });
  afterAll(async () => {
    await rig?.end();
    // What ended a moment ago may still count.
    await until(() => {
      try {
        rmdirSync(group);
        return true;
      } catch {
        return !existsSync(group);
      }
    }, "the cgroup stays");
  });

  const eat = (megabytes: number) =>
    `python3 -c 'import time; b = bytearray(); [(b.extend(b"x" * 1000000), time.sleep(0.01)) for _ in range(${megabytes})]'`;
  /** As `systemd-run -p MemoryMax` or a container around sshd would: all of the run is in it, its supervisor too. */
  const submit = async (id: string, text: string, retries = 0) => {
    const enter = join(rig.own, "begin.sh");
    const script = readFileSync(enter, "utf8");
    writeFileSync(
      enter,
      script.replace("#!/bin/sh\n", () => `#!/bin/sh\necho $$ >${group}/cgroup.procs\n`),
    );
    await rig.submit(id, { argv: ["sh", "-c", text], env: { OUT: rig.folder }, spec: { retries } });
    writeFileSync(enter, script);
  };
  const judge = async (id: string) => {
    await rig.untilEnded(id, 60_000);
    const node = {
      machine: "box",
      state: "running",
      why: null,
      folder: "/r",
      place: null,
      startedAt: 1,
      endedAt: null,
      exitCode: null,
      peakBytes: null,
      limitBytes: null,
      attempts: 1,
    } as const;
    const settings = { fetch: [], into: "o", timeoutMs: null, rendezvousMs: 1 };
    return judgeNode(node, await rig.facts(id), settings, "none");
  };

  test("it is OOM, exit code 137, with the peak and the limit", async () => {
    await submit("big-1-abcd", eat(200));
    const { state, exitCode, why, peakBytes, limitBytes: limit } = await judge("big-1-abcd");
    expect([state, exitCode, limit]).toEqual(["failed", 137, limitBytes]);
    expect(why).toMatch(/^OOM: it ran out of its memory of 64MB; it had used up to 6\d(?:\.\d)?MB\.$/);
    expect(peakBytes).toBeGreaterThan(50_000_000);
  });

  test("one of its processes: the program says how it ended, and that it was OOM is told", async () => {
    await submit("part-1-abcd", `${eat(200)} || exit 3`);
    expect(await judge("part-1-abcd")).toMatchObject({
      state: "failed",
      exitCode: 3,
      why: expect.stringContaining("OOM") as string,
    });
  });

  test("what stays within it is no OOM, and its peak is known", async () => {
    await submit("small-1-abcd", `${eat(20)}; exit 4`);
    const { exitCode, why, peakBytes } = await judge("small-1-abcd");
    expect([exitCode, why]).toEqual([4, null]);
    expect(peakBytes).toBeGreaterThan(10_000_000);
  });

  test("its supervisor killed before that: the next one tells it all the same", async () => {
    const id = "orphan-1-abcd";
    await submit(id, `while [ ! -e "$OUT/go" ]; do sleep 0.1; done; ${eat(200)}`);
    await rig.untilFile(id, "program");
    await rig.killSupervisor(id);
    writeFileSync(join(rig.folder, "go"), "");
    await rig.untilFile(id, "program.exit");
    await rig.contact(id);
    expect(await judge(id)).toMatchObject({ exitCode: 137, why: expect.stringContaining("OOM") as string });
  });

  test("a cgroup of its own, made by the program: the machine's count tells it", async () => {
    const inner = `${group}-inner`;
    mkdirSync(inner);
    writeFileSync(join(inner, "memory.limit_in_bytes"), String(limitBytes / 2));
    try {
      const id = "inner-1-abcd";
      await rig.submit(id, { argv: ["sh", "-c", `echo $$ >${inner}/cgroup.procs; ${eat(200)}`] });
      expect(await judge(id)).toMatchObject({ exitCode: 137, why: expect.stringContaining("OOM") as string });
    } finally {
      await until(() => readFileSync(join(inner, "cgroup.procs"), "utf8") === "", "something stays in it");
      rmdirSync(inner);
    }
  });
});
