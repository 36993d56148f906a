// A request that may wake the machine: who asks, whether it is a wish at all, and what it is told.
import type { Gate } from "../front/gate.ts";
import { isPreview } from "../front/navigation.ts";
import { readPassword } from "../front/read-password.ts";
import { sourceOf } from "../front/source.ts";
import type { WakeSituation } from "../front/wake-answer.ts";
import { findFingerprint } from "./ready-mark.ts";
import type { Waker } from "./waker.ts";
import type { SeenMachine } from "./wake-machine.ts";
import type { WakeRequest } from "./wake-request.ts";
import type { WakeSettings } from "../model/wake-function.ts";

export type StartContext = { settings: WakeSettings; gate: Gate; waker: Waker };

/** The name of the one secret that the gate knows. */
export const secretName = "password";

const longestBody = 16 * 1024;

/** @param name of the workload that is asked for, known or not */
export async function answerStart(
  request: WakeRequest,
  name: string,
  { settings, gate, waker }: StartContext,
): Promise<WakeSituation> {
  const candidate = readPassword(partsOf(request));
  if (candidate === undefined) return { kind: "no-password" };
  const secret = name === settings.workload ? secretName : undefined;
  const verdict = await gate.check({ source: sourceOf(request.address), account: name, secret, candidate });
  if (verdict.kind === "throttled") return verdict;
  if (verdict.kind === "wrong") return { kind: "wrong-password" };
  const { title } = settings;
  if (isPreview(request)) {
    const looked = await waker.look();
    if (looked.kind !== "seen") return { ...looked, title };
    const situation = situationOf(looked.machine, settings);
    return situation.kind === "starting" ? { ...situation, kind: "not-asked" } : situation;
  }
  const woken = await waker.wake(request.method === "POST");
  return woken.kind === "seen" ? situationOf(woken.machine, settings) : { ...woken, title };
}

function partsOf({ method, query, header, body }: WakeRequest) {
  return {
    method,
    query,
    authorization: header("authorization"),
    contentType: header("content-type"),
    body: body.length <= longestBody ? body : undefined,
  };
}

function situationOf(machine: SeenMachine | undefined, settings: WakeSettings): WakeSituation {
  const { title, workload, idleMs } = settings;
  if (!machine) return { kind: "absent", title, todo: `\`sesta up ${workload}\` has to bring it up` };
  const fingerprint = findFingerprint(machine);
  if (machine.state !== "running" || fingerprint === undefined || machine.host === undefined)
    return { kind: "starting", title, state: wakeStates[machine.state], earlierMs: [] };
  const url = urlOf(settings, machine.host);
  // With a domain there is a certificate that browsers know.
  return { kind: "awake", title, url, idleMs, ...(settings.domain === null && { fingerprint }) };
}

/** A machine that runs is one whose door does not answer yet. */
const wakeStates = {
  stopped: "asleep",
  starting: "waking",
  running: "waking",
  stopping: "sleeping",
} as const satisfies Record<SeenMachine["state"], string>;

function urlOf({ domain, port, home }: WakeSettings, host: string): string {
  return `https://${domain ?? host}${port === 443 ? "" : `:${port}`}${home}`;
}
