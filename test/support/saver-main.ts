// A saver in a process of its own, which a test may kill: argv is HOME, the workspace and the remote.
import { createSaver } from "../../src/agent/save/saver.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { plainRule } from "./snapshot-rig.ts";

const [, , home = "", workspace = "", repo = ""] = process.argv;
const saver = createSaver(
  { home, env: process.env, clock: systemClock, log: silentLog },
  { name: "lab", workspace, rule: { ...plainRule, repo, everyMs: 50 } },
  () => undefined,
);
saver.keep();
process.stdin.resume().once("end", () => process.exit());
