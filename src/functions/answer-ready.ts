// The machine's word that its front door answers: what is not signed, not fresh, or not of a running machine, is refused.
import type { Clock } from "../base/clock.ts";
import { checkNotice, signatureHeader, type NoticeProblem, type ReadyNotice } from "../front/ready-notice.ts";
import { buildMark } from "./ready-mark.ts";
import { CloudProblem, type WakeMachine } from "./wake-machine.ts";
import { sayJson, type Answer, type WakeRequest } from "./wake-request.ts";

export type ReadyContext = { machine: WakeMachine; readyKey: string; clock: Clock };

const longestBody = 4 * 1024;
const againSeconds = 5;

export async function answerReady(request: WakeRequest, context: ReadyContext): Promise<Answer> {
  const { machine, readyKey, clock } = context;
  if (request.body.length > longestBody) return refuse("not a notice");
  const notice = checkNotice(request.body, request.header(signatureHeader), readyKey, clock.now());
  if (typeof notice === "string") return refuse(notice);
  try {
    return await take(notice, machine);
  } catch (error) {
    if (!(error instanceof CloudProblem)) throw error;
    return sayJson(503, `It could not be kept: ${error.message}.`, againSeconds);
  }
}

async function take(notice: ReadyNotice, machine: WakeMachine): Promise<Answer> {
  const seen = await machine.look();
  if (seen?.state !== "running") return sayJson(409, "The machine is not running.", againSeconds);
  if (notice.at < seen.launchedAt) return sayJson(409, "The machine was started after that.");
  await machine.mark(buildMark(notice));
  return sayJson(200, "Thank you.");
}

const refusals: Readonly<Record<NoticeProblem, [status: number, message: string]>> = {
  "wrong signature": [403, "Wrong signature."],
  "not a notice": [400, "This is no notice of a machine."],
  "too old": [403, "This notice is older than 5 minutes, or of the future."],
};

function refuse(problem: NoticeProblem): Answer {
  return sayJson(...refusals[problem]);
}
