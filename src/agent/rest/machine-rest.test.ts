// When a machine rests, and what keeps it on. No machine is suspended here: a program that only records takes its place.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { buildSaveReport } from "../../../test/support/played-agent.ts";
import { buildStubReport } from "../../../test/support/views.ts";
import { silentLog } from "../../base/log.ts";
import { buildMachineRest } from "../../commands/machine-rest.ts";
import { createLocalMachine } from "../../machine/local.ts";
import type { ProcessRow } from "../../machine/process-table.ts";
import type { MachineRest } from "../../model/agent-protocol.ts";
import type { Report } from "../../model/status.ts";
import type { State } from "../../model/words.ts";
import { findUseIn } from "./find-use.ts";
import { letRest } from "./let-rest.ts";
import { createMachineRest } from "./machine-rest.ts";

const minute = 60_000;
const asleep: Report = { ...buildStubReport("lab"), state: "asleep", open: false, pid: null, save: null };

function createRig(wanted: MachineRest | "none" = "suspend") {
  const clock = createFakeClock();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const rig = {
    clock,
    rested: [] as MachineRest[],
    remarks: [] as string[],
    reports: [{ ...asleep, since: clock.now() }],
    use: undefined as string | undefined,
    failure: undefined as Error | undefined,
    change: (from: State, to: State) =>
      rest.changed({ seq: 1, at: 0, workload: "lab", from, to, why: "", by: "agent" }),
  };
  const rest = createMachineRest({
    clock,
    log: silentLog,
    wanted: () => (wanted === "none" ? undefined : wanted),
    reports: () => rig.reports,
    findUse: async () => rig.use,
    async rest(how) {
      rig.rested.push(how);
      if (rig.failure) throw rig.failure;
    },
    remark: (_, what) => rig.remarks.push(what),
    signal: stop.signal,
  });
  return rig;
}

describe("a machine rests", () => {
  test("a minute after its last workload went to sleep, once, and it is in the record", async () => {
    const { clock, rested, remarks, change } = createRig();
    change("sleeping", "asleep");
    await clock.advance(minute - 1);
    expect(rested).toEqual([]);
    await clock.advance(1);
    expect([rested, remarks]).toEqual([
      ["suspend"],
      ["Its machine is told to suspend: nothing on it is used."],
    ]);
    await clock.advance(10 * minute);
    expect(rested.length).toBe(1);
  });

  test("again, when it was woken and nothing was: a quarter of an hour later", async () => {
    const { clock, rested, change } = createRig();
    change("sleeping", "asleep");
    await clock.advance(16 * minute);
    expect(rested).toEqual(["suspend", "suspend"]);
  });

  test("not where the project does not want it, and not because it was only started or brought up", async () => {
    const without = createRig("none");
    without.change("sleeping", "asleep");
    await without.clock.advance(60 * minute);
    expect(without.rested).toEqual([]);
    const { clock, rested, change } = createRig();
    change("absent", "asleep");
    change("failed", "asleep");
    await clock.advance(60 * minute);
    expect(rested).toEqual([]);
  });

  test("not while another workload is awake, or something else uses it; as soon as that is over", async () => {
    const rig = createRig("poweroff");
    rig.reports = [{ ...asleep }, { ...asleep, name: "other", state: "awake" }];
    rig.change("sleeping", "asleep");
    await rig.clock.advance(30 * minute);
    rig.reports = [asleep];
    rig.use = "somebody is logged in";
    await rig.clock.advance(30 * minute);
    expect(rig.rested).toEqual([]);
    rig.use = undefined;
    await rig.clock.advance(minute);
    expect(rig.rested).toEqual(["poweroff"]);
  });

  test("not when something is woken in the meantime", async () => {
    const { clock, rested, change } = createRig();
    change("sleeping", "asleep");
    await clock.advance(minute / 2);
    change("asleep", "waking");
    await clock.advance(60 * minute);
    expect(rested).toEqual([]);
  });

  test("saves that wait for their repository hold it for ten minutes", async () => {
    const rig = createRig();
    rig.reports = [
      { ...asleep, since: rig.clock.now(), save: buildSaveReport({ owedSince: rig.clock.now() }) },
    ];
    rig.change("sleeping", "asleep");
    await rig.clock.advance(9 * minute);
    expect(rig.rested).toEqual([]);
    await rig.clock.advance(2 * minute);
    expect(rig.rested).toEqual(["suspend"]);
  });

  test("one that cannot is said in the record", async () => {
    const rig = createRig();
    rig.failure = new Error("sudo: a password is required");
    rig.change("sleeping", "asleep");
    await rig.clock.advance(minute);
    expect(rig.remarks.at(-1)).toBe("Its machine could not be told to suspend: sudo: a password is required");
  });
});

describe("what else uses a machine", () => {
  const row = (more: Partial<ProcessRow> = {}): ProcessRow => ({
    pid: 7,
    parent: 1,
    group: 7,
    foreground: 0,
    tty: null,
    name: "python3",
    cpuMs: 0,
    startTime: "1",
    ...more,
  });
  const judge = (rows: ProcessRow[], args: string[] = [], variables: Record<string, string> = {}, load = 0) =>
    findUseIn({
      rows,
      argumentsOf: async () => args,
      variablesOf: async () => new Map(Object.entries(variables)),
      load,
    });

  test("nothing: daemons, and the agent itself", async () => {
    const agent = "/home/ada/.sesta/agent/0123456789abcdef.mjs";
    expect(await judge([row({ name: "cron" })], ["/usr/sbin/cron"])).toBeUndefined();
    expect(await judge([row()], ["node", agent, "/home/ada/.sesta/projects/p/agent"])).toBeUndefined();
  });

  test("a person, a lab, a run that waits in line or runs, a program that computes", async () => {
    expect(await judge([row({ tty: "/dev/pts/3" })])).toBe("somebody is logged in (/dev/pts/3)");
    const lab = "/home/user/.sesta/projects/p/agent/run/1234/server.py";
    expect(await judge([row()], ["python3", "-I", lab])).toBe("python3 of a lab or a run");
    const line = "/home/user/.sesta/bin/abcd/supervise.sh";
    expect(await judge([row({ name: "sh" })], ["sh", line])).toBe("sh of a lab or a run");
    expect(await judge([row()], [], { SESTA_RUN: "1" })).toBe("python3 of a lab or a run");
    expect(await judge([row()], [], { SESTA_START: "1" })).toBe("python3 of a lab or a run");
    expect(await judge([row()], [], {}, 1.24)).toBe("its programs take 1.2 processors");
  });
});

describe("how it is told", () => {
  test("by systemctl; through sudo, without a question, where one is not root", () => {
    expect(buildMachineRest("suspend", true)).toEqual(["systemctl", "suspend"]);
    expect(buildMachineRest("poweroff", false)).toEqual(["sudo", "-n", "systemctl", "poweroff"]);
  });

  test("exactly once, by the program on PATH; a refusal is an error with what to do", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sesta-rest-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const record = join(folder, "record");
    const stub = (name: string, script: string) => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    const machine = createLocalMachine({ PATH: `${folder}:/usr/bin:/bin` });
    stub("systemctl", `echo "systemctl $*" >>${record}`);
    stub("sudo", `echo "sudo $*" >>${record}`);
    await letRest(machine, "suspend", true);
    await letRest(machine, "poweroff", false);
    expect(readFileSync(record, "utf8")).toBe("systemctl suspend\nsudo -n systemctl poweroff\n");
    stub("sudo", "echo 'a password is required' >&2; exit 1");
    await expect(letRest(machine, "poweroff", false)).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: "sudo -n systemctl poweroff failed: a password is required",
      hint: expect.stringContaining("sudoers") as string,
    });
  });
});
