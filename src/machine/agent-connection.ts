// Speaks with a machine's agent, and starts it where it does not run, or where an older one does.
import type { Clock } from "../base/clock.ts";
import { errorCodes, type ErrorCode } from "../base/error-codes.ts";
import { SestaError, systemCode } from "../base/errors.ts";
import { version } from "../base/version.ts";
import { protocolVersion, type AgentEvent, type AgentMethods, type Hello } from "../model/agent-protocol.ts";
import { ask, follow } from "./control-socket.ts";

/** How an agent is reached and started where it is. */
export type AgentWay = {
  /**
   * The path of a socket here that leads to it, whether it runs or not.
   * @param broken the one that was given before leads nowhere
   * @throws SestaError SSH_CONNECTION when its machine cannot be reached
   */
  socket(broken?: string): Promise<string>;
  /** Starts it; a second one finds that the first holds its folder, and ends. */
  start(): Promise<Starting>;
};

export type Starting = { hasFailed(): boolean; explain(): Promise<SestaError> };

export type AgentConnection = ReturnType<typeof openAgentConnection>;

/** The message under which an agent logs why it ends at once. */
export const cannotStart = "agent cannot start";

const startTimeoutMs = 10_000;
const stopTimeoutMs = 10_000;

export function openAgentConnection(way: AgentWay, clock: Clock) {
  /** @param timeoutMs how long it may take; 30 s unless told */
  const call = async <M extends keyof AgentMethods>(
    method: M,
    params: AgentMethods[M]["params"],
    timeoutMs?: number,
  ): Promise<AgentMethods[M]["result"]> => {
    try {
      const path = await way.socket();
      const asked = ask(path, method, params, timeoutMs).catch(async (error: unknown) => {
        const other = isNobody(error) ? await way.socket(path) : path;
        if (other === path) throw error;
        return ask(other, method, params, timeoutMs);
      });
      return (await asked) as AgentMethods[M]["result"];
    } catch (error) {
      throw unreachable(error) ?? error;
    }
  };
  const findHello = (): Promise<Hello | undefined> =>
    call("hello", {}).catch((error) => {
      if (error instanceof SestaError && error.code === "AGENT_UNREACHABLE") return undefined;
      throw error;
    });
  const start = async (): Promise<Hello> => {
    const starting = await way.start();
    const began = clock.monotonic();
    for (;;) {
      const hello = await findHello();
      if (hello) return hello;
      if (starting.hasFailed() || clock.monotonic() - began > startTimeoutMs) throw await starting.explain();
      await clock.sleep(10);
    }
  };
  /** What it supervises goes on, and is adopted by the next one. */
  const stop = async (old: Hello): Promise<void> => {
    await call("stop", {});
    const began = clock.monotonic();
    while ((await findHello())?.pid === old.pid && clock.monotonic() - began < stopTimeoutMs)
      await clock.sleep(20);
  };

  return {
    call,
    /** Undefined when no agent runs. */
    findHello,
    /** Reports and changes as they come, until `signal` aborts or the agent goes away. */
    watch: (after: number, signal: AbortSignal) => watchAgent(way, after, signal),
    /**
     * Starts the agent unless one answers; one of an older Sesta gives way to this one's.
     * @param build takes the place also of one that was built otherwise
     * @throws SestaError AGENT_VERSION when the one that runs is newer and speaks another protocol
     */
    async ensure(build?: string): Promise<Hello> {
      const running = await findHello();
      if (running && !isOlder(running) && (build === undefined || running.build === build))
        return accept(running);
      if (running && isNewer(running)) return accept(running);
      if (running) await stop(running);
      return accept(await start());
    },
  };
}

async function* watchAgent(way: AgentWay, after: number, signal: AbortSignal): AsyncGenerator<AgentEvent> {
  try {
    yield* follow(await way.socket(), "watch", { after }, signal) as AsyncGenerator<AgentEvent>;
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

function isOlder({ protocol, version: other }: Hello): boolean {
  return protocol < protocolVersion || (protocol === protocolVersion && compareVersions(other, version) < 0);
}

function isNewer({ protocol, version: other }: Hello): boolean {
  return protocol > protocolVersion || (protocol === protocolVersion && compareVersions(other, version) > 0);
}

function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((text) => text.split(/[.-]/).slice(0, 3).map(Number)) as [
    number[],
    number[],
  ];
  const at = a.findIndex((part, index) => part !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** Why an agent ended at once. @param line the last of its log, which is at `path` */
export function explainAgentStart(line: string, path: string): SestaError {
  const { message, code, error, hint } = parseLine(line);
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

function isNobody(error: unknown): boolean {
  return ["ENOENT", "ECONNREFUSED"].includes(systemCode(error) ?? "");
}

function unreachable(error: unknown): SestaError | undefined {
  const code = systemCode(error);
  if (!["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT"].includes(code ?? "")) return undefined;
  return new SestaError("AGENT_UNREACHABLE", "The agent does not answer", {
    hint: "Run `sesta up`; it starts the agent again and adopts what runs.",
    cause: error,
  });
}
