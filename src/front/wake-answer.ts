// What the wake endpoint says in each situation, to the letter; shared by the gateway and the cloud's wake handlers.
import { redact } from "../base/redact.ts";
import type { State } from "../model/words.ts";
import { estimateWake } from "./wake-estimate.ts";

/** The first three come before the password is known to be right: they name nothing, so they tell nothing. */
export type WakeSituation =
  | { kind: "no-password" }
  | { kind: "wrong-password" }
  | { kind: "throttled"; retryAfterSeconds: number }
  | Starting
  /** HEAD, prefetch or a link preview with the right password: it is told the state, and wakes nothing. */
  | { kind: "not-asked"; title: string; state: Starting["state"] }
  | {
      kind: "failed";
      title: string;
      reason: string;
      /** Until a GET tries again. */ retryAfterSeconds?: number;
    }
  | { kind: "absent"; title: string; /** What `up` still has to do. */ todo: string }
  | {
      kind: "awake";
      title: string;
      /** Where people land: "http://HOST:PORT/lab". */ url: string;
      idleMs: number | null;
      /** SHA-256 of the certificate that is shown there, where no CA vouches for it. */
      fingerprint?: string;
    }
  /** Whoever would know its state, or start it, does not answer now. */
  | { kind: "delayed"; title: string; reason: string; retryAfterSeconds: number };

export type Starting = {
  kind: "starting";
  state: Extract<State, "asleep" | "waking" | "sleeping">;
  /** "Jupyter Lab". */
  title: string;
  /** Durations of earlier wakes of this workload, oldest first. */
  earlierMs: readonly number[];
  /** Since this wake began. */
  elapsedMs?: number;
};

type Awake = Extract<WakeSituation, { kind: "awake" }>;

export type WakeAnswer = { status: number; headers: Record<string, string>; body: string };

export function buildWakeAnswer(situation: WakeSituation): WakeAnswer {
  switch (situation.kind) {
    case "no-password":
      return answer(400, 'URL must contain a "pass" query string!');
    case "wrong-password":
      return answer(403, "Wrong password.");
    case "throttled":
      return buildThrottled(situation.retryAfterSeconds);
    case "starting":
      return buildStarting(situation);
    case "not-asked":
      return buildNotAsked(situation.title, situation.state);
    case "failed":
      return buildFailed(situation.title, situation.reason, situation.retryAfterSeconds);
    case "absent":
      return buildAbsent(situation.title, situation.todo);
    case "awake":
      return buildAwake(situation);
    case "delayed":
      return buildDelayed(situation.title, situation.reason, situation.retryAfterSeconds);
  }
}

function buildThrottled(seconds: number): WakeAnswer {
  return answer(429, `Too many attempts. Try again in ${seconds} s.`, {}, seconds);
}

function buildStarting({ title, state, earlierMs, elapsedMs }: Starting): WakeAnswer {
  const { phrase, retryAfterSeconds, etaSeconds } = estimateWake(earlierMs, elapsedMs);
  const message = `${title} will start in ${phrase}. Wait and reload this request to get the access URL.`;
  return answer(200, message, { state, url: null, eta_seconds: etaSeconds }, retryAfterSeconds);
}

function buildNotAsked(title: string, state: string): WakeAnswer {
  return answer(503, `${title} is ${state}; a preview does not wake it.`, {
    state,
    url: null,
    eta_seconds: null,
  });
}

function buildFailed(title: string, reason: string, retryAfterSeconds: number | undefined): WakeAnswer {
  const message = `${title} failed to start: ${asClause(reason)}.`;
  return answer(503, message, { state: "failed", url: null, eta_seconds: null }, retryAfterSeconds);
}

function buildAbsent(title: string, todo: string): WakeAnswer {
  const message = `${title} is not up yet: ${asClause(todo)}.`;
  return answer(503, message, { state: "absent", url: null, eta_seconds: null });
}

function buildDelayed(title: string, reason: string, retryAfterSeconds: number): WakeAnswer {
  const message = `${title} cannot be woken right now: ${asClause(reason)}.`;
  return answer(503, message, { state: null, url: null, eta_seconds: null }, retryAfterSeconds);
}

function buildAwake({ title, url, idleMs, fingerprint }: Awake): WakeAnswer {
  const remember =
    idleMs === null
      ? "it stays active until it is put to sleep."
      : `it will be inactive again when idle for ${idleText(idleMs)}.`;
  const message = `${title} already running at ${url}. Remember: ${remember}`;
  const shown = fingerprint === undefined ? {} : { fingerprint };
  return answer(200, message, { state: "awake", url, eta_seconds: 0, ...shown });
}

/** "40 min", "90 min"; what is not whole minutes, in seconds: "10 s", "90 s". */
function idleText(idleMs: number): string {
  return idleMs >= 60_000 && idleMs % 60_000 === 0
    ? `${idleMs / 60_000} min`
    : `${Math.ceil(idleMs / 1000)} s`;
}

/** One line without its full stop, short, and with nothing secret in it. */
function asClause(text: string): string {
  return redact(text)
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 300)
    .replace(/[.\s]+$/, "");
}

type Fields = Readonly<Record<string, string | number | null>>;

function answer(
  status: number,
  message: string,
  fields: Fields = {},
  retryAfterSeconds?: number,
): WakeAnswer {
  const headers: Record<string, string> = {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
  if (retryAfterSeconds !== undefined) headers["Retry-After"] = String(retryAfterSeconds);
  return { status, headers, body: print({ message, ...fields }) };
}

/** JSON spaced as the endpoint always printed it: `{"message": "…"}`. */
function print(fields: Fields): string {
  const entries = Object.entries(fields).map(
    ([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  );
  return `{${entries.join(", ")}}`;
}
