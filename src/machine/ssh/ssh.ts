// A host that is reached over SSH, as a Machine.
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../machine.ts";
import { runProcess } from "../run-process.ts";
import type { SshAccess } from "./access.ts";
import { createConnection } from "./connection.ts";
import { readFacts } from "./facts.ts";
import { createForwards } from "./forwards.ts";
import { getRemote } from "./get.ts";
import { interactRemote } from "./interact.ts";
import { openRemote } from "./open.ts";
import { putRemote } from "./put.ts";
import { createSessions } from "./sessions.ts";
import { startRemote } from "./start.ts";
import { uploadRemote } from "./upload.ts";

/** Connects at its first use. The host's key must be pinned before, see host-key.ts. */
export function createSshMachine(access: SshAccess): Machine {
  const { name } = access.host;
  const connection = createConnection(access);
  const sessions = createSessions();
  const forwards = createForwards(connection);
  const closing = new AbortController();
  const open: Machine["open"] = (argv, options = {}) => {
    const signal = options.signal ? AbortSignal.any([options.signal, closing.signal]) : closing.signal;
    return openRemote(connection, sessions, argv, { ...options, signal });
  };
  const run: Machine["run"] = (argv, options = {}) =>
    runProcess(argv[0], (signal) => open(argv, { ...options, signal }), options);
  const link = { connection, sessions, run, open };
  return {
    name,
    run,
    open,
    start: (argv, options) => startRemote(run, argv, options, name),
    interact: (argv, options) => interactRemote(connection, argv, options),
    put: (files, to) => putRemote(run, files, to, name),
    upload: (source, to, options) => uploadRemote(link, source, to, options),
    get: (from, patterns, into, options) => getRemote(link, from, patterns, into, options),
    forward: (to, here) => forwards.forward(to, here),
    expose: (port, there) => forwards.expose(port, there),
    async freeBytes(path) {
      const { stdout, stderr } = await run(["df", "-Pk", path]);
      // Blocks, used, available, capacity: there may be blanks in the names before and behind them.
      const [, kilobytes] = /\s\d+\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s+\//.exec(stdout) ?? [];
      if (kilobytes === undefined) {
        throw new SestaError(
          "COMMAND_FAILED",
          `The free space of ${path} on ${name} cannot be told: ${stderr}`,
        );
      }
      return Math.max(0, Number(kilobytes)) * 1024;
    },
    facts: () => readFacts(run, name),
    async close() {
      closing.abort(new SestaError("INTERRUPTED", `the connection to ${name} was let go of`));
      await forwards.close();
    },
  };
}
