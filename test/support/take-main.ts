// One take in a process of its own: FOLDER WORKSPACE. Prints what is set aside. Exit 0: made or nothing to do, 3: an alarm.
import { join } from "node:path";
import { createGit } from "../../src/agent/save/git.ts";
import { createSnapshots } from "../../src/agent/save/commit/snapshots.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { plainRule } from "./snapshot-rig.ts";

const [folder = "", workspace = ""] = process.argv.slice(2);
const snapshots = createSnapshots({
  git: createGit(join(folder, "git"), process.env),
  folder,
  workspace,
  rule: () => plainRule,
  workload: "lab",
  clock: systemClock,
  log: silentLog,
  secrets: () => [],
  dirty: () => undefined,
});
await snapshots.open();
const { alarm, setAside } = await snapshots.take({ full: true, acceptDeletions: false });
snapshots.close();
process.stdout.write(JSON.stringify(setAside));
process.exitCode = alarm ? 3 : 0;
