// Programs at a workload's door: who shows its password or a run's token passes, and waits while it wakes.
import type { DoorAddress } from "../model/agent-protocol.ts";
import { isRunToken } from "../model/run-token.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Gate, Guess } from "./gate.ts";
import type { Household } from "./household.ts";
import type { Course, Decision, DoorRequest } from "./proxy/door.ts";
import { readProgramSecret } from "./read-password.ts";
import { refusal } from "./refusal.ts";
import { sourceOf } from "./source.ts";

export type ProgramsContext = {
  household: Household;
  gate: Gate;
  workload: string;
  clock: Clock;
  log: Log;
  /** The answer to who came for nothing: it sleeps on, or has failed. */
  notAwake(): Decision;
};

/** Longer than a first start takes, shorter than MLflow's clients wait (MLFLOW_HTTP_REQUEST_TIMEOUT, 120 s). */
const holdMs = 110_000;
const heldLimit = 1_000;
/** A server that has died is noticed within a second, and one that was told of still has its old address. */
const lookEveryMs = 250;

/** How a program that came in is known: its connections end with the password that it showed. */
const anyRun = "owner run";

export type Programs = { decide(request: DoorRequest): Decision };

export function createPrograms(context: ProgramsContext): Programs {
  const { household, gate, workload, clock, log, notAwake } = context;
  let held = 0;

  function decide(request: DoorRequest): Decision {
    const candidate = readProgramSecret(request.header("authorization"));
    if (candidate === undefined) return unknown;
    if (isRunToken(candidate))
      return household.hasRunToken(workload, candidate) ? admit(request, anyRun) : unknown;
    const secret = household.secretOf(workload);
    const version = secret === undefined ? undefined : gate.recall(secret, candidate);
    if (version !== undefined) return admit(request, String(version));
    const guess = { source: sourceOf(request.remoteAddress), account: workload, secret, candidate };
    return {
      kind: "hold",
      session: "",
      wait(decided) {
        void decideLater(request, guess).then(decided);
        return () => undefined;
      },
    };
  }

  async function decideLater(request: DoorRequest, guess: Guess): Promise<Decision> {
    try {
      const verdict = await gate.check(guess);
      if (verdict.kind === "ok") return admit(request, String(verdict.version));
      return verdict.kind === "throttled" ? tooMany(verdict.retryAfterSeconds) : unknown;
    } catch (error) {
      log.error("a password could not be checked", { workload, error: String(error) });
      return refusal(500, "The front door failed.");
    }
  }

  function admit(request: DoorRequest, session: string): Decision {
    if (request.upgrade) return refusal(404, "Nothing is here.");
    household.used(workload, "a program asked it", "change");
    const address = findAddress();
    return address ? forward(address, session) : hold(session);
  }

  /** Of one that goes to sleep as well, which then stays awake. */
  function findAddress(): DoorAddress | undefined {
    const address = household.address(workload);
    if (address && household.find(workload)?.state === "sleeping") wake();
    return address;
  }

  function forward(address: DoorAddress, session: string): Decision {
    return { kind: "forward", upstream: address, session, course: buildCourse(address) };
  }

  /** A server that died before it had the request is started again: the request waits for it. */
  function buildCourse(dead: DoorAddress): Course {
    return {
      cut: undefined,
      failed: (_what, _repeatable, untouched) =>
        untouched
          ? {
              wait: (found) =>
                waitFor(
                  (address) => !isSame(address, dead),
                  (address) => found(address),
                ),
            }
          : undefined,
      answered: () => undefined,
      ended: () => undefined,
    };
  }

  function hold(session: string): Decision {
    if (held >= heldLimit) return notAwake();
    return {
      kind: "hold",
      session,
      wait: (decided) =>
        waitFor(
          () => true,
          (address) => decided(address ? forward(address, session) : notAwake()),
        ),
    };
  }

  /** @returns what ends the waiting */
  function waitFor(
    fits: (address: DoorAddress) => boolean,
    found: (address: DoorAddress | undefined) => void,
  ): () => void {
    const until = clock.monotonic() + holdMs;
    let isOver = false;
    held += 1;
    const end = () => {
      if (isOver) return;
      isOver = true;
      held -= 1;
      clearInterval(timer);
      forget();
    };
    const finish = (address: DoorAddress | undefined) => {
      end();
      found(address);
    };
    const look = () => {
      if (isOver) return;
      const address = household.address(workload);
      if (address && fits(address)) return finish(address);
      const state = household.find(workload)?.state;
      if (state === undefined || state === "failed" || state === "absent" || clock.monotonic() > until)
        return finish(undefined);
      if (state === "asleep" || state === "sleeping") wake();
    };
    const forget = household.onChange(look);
    const timer = setInterval(look, lookEveryMs);
    look();
    return end;
  }

  /** Asked once for all that wait: see the fleet. */
  function wake(): void {
    household.wake(workload, "A program asked it.", "program").catch((error: unknown) => {
      log.warn("wake by program", { workload, error: String(error) });
    });
  }

  return { decide };
}

const unknown: Decision = {
  kind: "refuse",
  status: 401,
  body: JSON.stringify({ message: "Show the password or a run's token: Authorization: Bearer …" }),
  contentType: "application/json; charset=utf-8",
  headers: { "www-authenticate": "Bearer" },
};

function tooMany(seconds: number): Decision {
  return {
    kind: "refuse",
    status: 429,
    body: JSON.stringify({ message: `Too many attempts. Try again in ${seconds} s.` }),
    contentType: "application/json; charset=utf-8",
    headers: { "retry-after": String(seconds) },
  };
}

/** Each start has a token of its own. */
function isSame(one: DoorAddress, other: DoorAddress): boolean {
  return one.port === other.port && one.headers["authorization"] === other.headers["authorization"];
}
