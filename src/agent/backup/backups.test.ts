// When backups are made: asked for, due, one at a time, and not without their passphrase.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { until } from "../../../test/faults/support/processes.ts";
import { createLog } from "../../base/log.ts";
import { createLocalMachine } from "../../machine/local.ts";
import type { BackupRule } from "../../model/launch.ts";
import type { Supervised } from "../../state/agent-state.ts";
import { createBackups } from "./backups.ts";

const folders: string[] = [];
const stopping = new AbortController();
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

const day = 24 * 3_600_000;

/** Its command writes a file whose name has the fake clock's time, which it reads out of a file. */
function createRig(rule: Partial<BackupRule> = {}, script = write) {
  const home = mkdtempSync(join(tmpdir(), "sesta-backups-"));
  folders.push(home);
  const workspace = join(home, "sets");
  mkdirSync(workspace);
  const clock = createFakeClock();
  const make = [["sh"], ["-c"], [script], ["sh"], [{ place: "workspace" as const }]];
  const workload = {
    name: "tracking",
    state: "awake",
    since: clock.now(),
    places: { environment: home, workspace, disk: "kept", sessions: false },
    launch: { process: { files: { mark: "" } }, backup: { make, restore: make, everyMs: day, ...rule } },
  } as unknown as Supervised;
  let now = workload;
  const backups = createBackups(
    {
      machine: createLocalMachine(process.env),
      clock,
      log: createLog(() => undefined, clock.now),
      home,
      changed: () => undefined,
      signal: stopping.signal,
    },
    () => [now],
  );
  const tick = () =>
    writeFileSync(join(workspace, "now"), new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, ""));
  tick();
  return {
    backups,
    workload,
    become: (change: Partial<Supervised>) => (now = { ...now, ...change }),
    list: () => readdirSync(workspace).filter((name) => name.endsWith(".tar")),
    /** So long, in steps as the schedule looks. */
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= 30 * 60_000) {
        tick();
        await until(() => clock.sleeping() > 0, "it does not look");
        await clock.advance(30 * 60_000);
        await until(() => clock.sleeping() > 0, "it does not look again");
        await until(() => backups.find("tracking")?.state !== "running", "it goes on");
      }
    },
  };
}

const write = `IFS= read -r pass; now=$(cat "$1/now"); echo '{"phase": "writes"}'; : >"$1/tracking-$now.tar"; echo "{\\"file\\": \\"$1/tracking-$now.tar\\", \\"bytes\\": 7}"`;

test("one that is asked for is made; a second one at the same time is the same", async () => {
  const { backups, workload, list } = createRig({}, `sleep 0.2; ${write}`);
  const asked = { kind: "backup", why: "", passphrase: null } as const;
  const one = backups.begin(workload, asked);
  expect(backups.begin(workload, asked).id).toBe(one.id);
  expect(() => backups.begin(workload, { ...asked, kind: "restore" })).toThrow("is being made");
  await until(() => backups.find("tracking")?.state === "done", "it does not end");
  expect(backups.find("tracking")).toMatchObject({
    id: one.id,
    bytes: 7,
    file: expect.stringMatching(/\.tar$/),
  });
  expect(list()).toHaveLength(1);
});

test("one that fails says its own words, or the last", async () => {
  const { backups, workload } = createRig(
    {},
    "echo noise >&2; echo 'sesta: the disk is away' >&2; echo more >&2; exit 1",
  );
  backups.begin(workload, { kind: "backup", why: "", passphrase: null });
  await until(() => backups.find("tracking")?.state === "failed", "it does not fail");
  expect(backups.find("tracking")?.why).toBe("the disk is away");
});

test("due every day, as long as something may have been logged since the last", async () => {
  const { backups, list, pass, become } = createRig();
  void backups.keepMaking();
  await pass(day - 3_600_000);
  expect(list()).toHaveLength(0);
  await pass(2 * day + 2 * 3_600_000);
  expect(list()).toHaveLength(3);
  become({ state: "asleep", since: Date.UTC(2030, 0, 2) });
  await pass(3 * day);
  expect(list()).toHaveLength(3);
});

test("one that failed is tried again after an hour, not at once", async () => {
  const { backups, pass } = createRig({}, "exit 1");
  void backups.keepMaking();
  await pass(day + 3_600_000);
  const first = backups.find("tracking")?.id;
  expect(first).toBeDefined();
  await pass(30 * 60_000);
  expect(backups.find("tracking")?.id).toBe(first);
  await pass(3 * 3_600_000);
  expect(backups.find("tracking")?.id).not.toBe(first);
});

test("none is made without the passphrase that the project wants", async () => {
  const { backups, workload, list, pass } = createRig({ passphrase: "backup" });
  void backups.keepMaking();
  await pass(2 * day);
  expect([list(), backups.report(workload)?.needsPassphrase]).toEqual([[], true]);
  backups.setPassphrase("tracking", "known now");
  await pass(day);
  expect([list().length > 0, backups.report(workload)?.needsPassphrase]).toEqual([true, false]);
});
