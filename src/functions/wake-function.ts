// The wake function, whatever cloud it runs in: which request goes where, and an answer to each, whatever happens.
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createGate } from "../front/gate.ts";
import { buildWakeAnswer } from "../front/wake-answer.ts";
import { readWakeSettings, type Variables } from "../model/wake-function.ts";
import { createAllowList } from "./allow-list.ts";
import { answerReady } from "./answer-ready.ts";
import { answerStart, secretName } from "./answer-start.ts";
import type { WakeMachine } from "./wake-machine.ts";
import { sayJson, type Answer, type WakeRequest } from "./wake-request.ts";
import { createWaker } from "./waker.ts";

export type WakeFunction = (request: WakeRequest) => Promise<Answer>;
export type WakeParts = { variables: Variables; machine: WakeMachine; clock: Clock; log: Log };

/** @throws SestaError where a variable is missing */
export function createWakeFunction({ variables, machine, clock, log }: WakeParts): WakeFunction {
  const settings = readWakeSettings(variables);
  const passwords = new Map([[secretName, { hash: settings.passwordHash, version: 1 }]]);
  const start = {
    settings,
    gate: createGate({ clock, passwords: () => passwords }),
    waker: createWaker(machine, clock, log),
  };
  const ready = { machine, readyKey: settings.readyKey, clock };
  const isAllowed = createAllowList(settings.allow);

  async function answer(request: WakeRequest): Promise<Answer> {
    const { method, path } = request;
    if (path === "/ready" && method === "POST") return answerReady(request, ready);
    // The machine's own address is outside of the list.
    if (!isAllowed(request.address)) return sayJson(403, "Forbidden");
    const name = findName(path, settings.workload);
    if (name === undefined || !["GET", "POST", "HEAD"].includes(method)) return sayJson(404, "Not Found");
    return buildWakeAnswer(await answerStart(request, name, start));
  }

  return async (request) => {
    const { status, headers, body } = await answer(request).catch((error: unknown) => {
      log.error("a bug in the wake function", { at: placeOf(error) });
      return sayJson(503, "The wake function failed; its log says where.", 5);
    });
    return { status, headers, body: request.method === "HEAD" ? "" : body };
  };
}

/** Of the workload that a path asks to start: "/start" is that of the only one. */
function findName(path: string, only: string): string | undefined {
  const [, name, isStart] = /^(?:\/([^/]+))?(\/start)$/.exec(path) ?? [];
  return isStart === undefined ? undefined : (name ?? only);
}

/** Kind and place of an error: its message may hold what the request brought. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const place = error.stack?.split("\n").find((line) => /^\s+at /.test(line)) ?? "";
  return `${error.name}${place}`;
}
