// The agent of this machine: where its socket is, and how it is started.
import { spawn } from "node:child_process";
import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { findDiskError } from "../base/disk-error.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import { explainAgentStart, openAgentConnection, type AgentConnection } from "./agent-connection.ts";
import { socketPath } from "./control-socket.ts";

export type AgentPlace = {
  /** The agent's folder. */
  home: string;
  /** How to run it; the folder is added. */
  command: readonly [string, ...string[]];
  env: NodeJS.ProcessEnv;
};

/** Of an agent that finds another one running. */
const busyExit = 75;

export function connectAgent(place: AgentPlace, clock: Clock): AgentConnection {
  const path = socketPath(place.home, "agent");
  return openAgentConnection(
    {
      socket: async () => path,
      async start() {
        const end = await launch(place);
        return {
          hasFailed: () => end.exitCode !== undefined && end.exitCode !== busyExit,
          explain: () => explainStart(place),
        };
      },
    },
    clock,
  );
}

// In a session of its own, so that neither Ctrl-C nor a closed terminal reaches it.
async function launch({
  home,
  command: [program, ...operands],
  env,
}: AgentPlace): Promise<{ exitCode?: number }> {
  const end: { exitCode?: number } = {};
  const log = await openLog(home);
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program, [...operands, home], {
        cwd: home,
        env,
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
      });
      child.once("exit", (code) => (end.exitCode = code ?? 128));
      child.once("error", (error) =>
        reject(new SestaError("AGENT_UNREACHABLE", `The agent cannot be started: ${messageOf(error)}`)),
      );
      child.once("spawn", () => resolve(void child.unref()));
    });
  } finally {
    await log.close();
  }
  return end;
}

async function openLog(home: string) {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    return await open(join(home, "agent.log"), "a", 0o600);
  } catch (error) {
    throw findDiskError(error) ?? error;
  }
}

async function explainStart({ home }: AgentPlace): Promise<SestaError> {
  const path = join(home, "agent.log");
  const last = (await readFile(path, "utf8").catch(() => "")).trimEnd().split("\n").at(-1) ?? "";
  return explainAgentStart(last, path);
}
