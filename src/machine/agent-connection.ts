// Speaks with a machine's agent, and starts it where it does not run.
import { mkdir, open, readFile } from "node:fs/promises";
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { findDiskError } from "../base/disk-error.ts";
import { errorCodes, type ErrorCode } from "../base/error-codes.ts";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";
import { protocolVersion, type AgentEvent, type AgentMethods, type Hello } from "../model/agent-protocol.ts";
import { ask, follow, socketPath } from "./control-socket.ts";

export type AgentPlace = {
  /** The agent's folder. */
  home: string;
  /** How to run it; the folder is added. */
  command: readonly [string, ...string[]];
  env: NodeJS.ProcessEnv;
};

export type AgentConnection = ReturnType<typeof connectAgent>;

/** The message under which an agent logs why it ends at once. */
export const cannotStart = "agent cannot start";

const startTimeoutMs = 10_000;
/** Of an agent that finds another one running. */
const busyExit = 75;

export function connectAgent(place: AgentPlace, clock: Clock) {
  const path = socketPath(place.home, "agent");
  /** @param timeoutMs how long it may take; 30 s unless told */
  const call = <M extends keyof AgentMethods>(
    method: M,
    params: AgentMethods[M]["params"],
    timeoutMs?: number,
  ) =>
    ask(path, method, params, timeoutMs).catch((error) => {
      throw unreachable(error) ?? error;
    }) as Promise<AgentMethods[M]["result"]>;

  return {
    call,
    /** Undefined when no agent runs. */
    findHello: (): Promise<Hello | undefined> =>
      call("hello", {}).catch((error) => {
        if (error instanceof SestaError && error.code === "AGENT_UNREACHABLE") return undefined;
        throw error;
      }),
    /** Reports and changes as they come, until `signal` aborts or the agent goes away. */
    watch: (after: number, signal: AbortSignal) => watchAgent(path, after, signal),
    /** Starts the agent unless one answers. @throws AGENT_VERSION when the one that runs is of another protocol */
    async ensure(): Promise<Hello> {
      const running = await this.findHello();
      if (running) return accept(running);
      const end = await launch(place);
      const began = clock.monotonic();
      for (;;) {
        const hello = await this.findHello();
        if (hello) return accept(hello);
        const failed = end.exitCode !== undefined && end.exitCode !== busyExit;
        if (failed || clock.monotonic() - began > startTimeoutMs) throw await explainStart(place);
        await clock.sleep(10);
      }
    },
  };
}

async function* watchAgent(path: string, after: number, signal: AbortSignal): AsyncGenerator<AgentEvent> {
  try {
    yield* follow(path, "watch", { after }, signal) as AsyncGenerator<AgentEvent>;
  } catch (error) {
    if (!signal.aborted) throw unreachable(error) ?? error;
  }
}

function accept(hello: Hello): Hello {
  if (hello.protocol === protocolVersion) return hello;
  throw new SestaError(
    "AGENT_VERSION",
    `The agent is of Sesta ${hello.version} and speaks protocol ${hello.protocol}`,
    {
      hint: `This Sesta speaks protocol ${protocolVersion}: run \`sesta up\` with the newer of the two.`,
    },
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
  const { message, code, error, hint } = parseLine(last);
  const known = message === cannotStart && code !== undefined && code in errorCodes;
  return new SestaError(
    known ? (code as ErrorCode) : "AGENT_UNREACHABLE",
    `The agent did not start${error ? `: ${error}` : ""}`,
    {
      hint: (known ? hint : undefined) ?? `Look at the end of ${path}.`,
    },
  );
}

function parseLine(line: string): { message?: string; code?: string; error?: string; hint?: string } {
  try {
    return JSON.parse(line) as object;
  } catch {
    return {};
  }
}

function unreachable(error: unknown): SestaError | undefined {
  const code = systemCode(error);
  if (!["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code ?? "")) return undefined;
  return new SestaError("AGENT_UNREACHABLE", "The agent does not answer", {
    hint: "Run `sesta up`; it starts the agent again and adopts what runs.",
    cause: error,
  });
}
