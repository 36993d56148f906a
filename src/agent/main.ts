// The agent's executable: `node main.ts HOME`.
import { appendFileSync, mkdirSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { basename, extname, join } from "node:path";
import process from "node:process";
import { systemClock } from "../base/clock.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import { createLog } from "../base/log.ts";
import { cannotStart } from "../machine/agent-connection.ts";
import { createLocalMachine } from "../machine/local.ts";
import { startAgent } from "./agent.ts";
const [, program = "", home] = process.argv;
if (home === undefined) {
  process.stderr.write("usage: agent HOME\n");
  process.exit(2);
}
process.umask(0o077);
mkdirSync(home, { recursive: true, mode: 0o700 });
const log = createLog((line) => appendFileSync(join(home, "agent.log"), line, { mode: 0o600 }), Date.now);
process.on("SIGHUP", () => undefined); // the terminal that started it may close
process.on("SIGINT", () => undefined);
process.on("uncaughtException", (error) => {
  log.error("uncaught", { error: messageOf(error), stack: error.stack });
  process.exit(1);
});

try {
  await startAgent({
    home,
    machine: createLocalMachine(process.env),
    clock: systemClock,
    log,
    pid: process.pid,
    env: process.env,
    build: basename(program, extname(program)),
    isRoot: process.getuid?.() === 0,
    exit: () => process.exit(0),
  });
  setImmediate(flushCompileCache); // Node writes it when a process ends, which an agent seldom does by itself
} catch (error) {
  const { code, hint } = error instanceof SestaError ? error : { code: "INTERNAL", hint: undefined };
  if (code === "BUSY") process.exit(75);
  log.error(cannotStart, { code, error: messageOf(error), hint });
  process.exit(1);
}
