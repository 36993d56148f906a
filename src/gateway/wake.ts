// The wake endpoint: the contract of `GET /v1/start?pass=…`, for one lab or for each by name.
import type { Context as HonoContext, Hono } from "hono";
import { isPreview } from "../front/navigation.ts";
import { readPassword } from "../front/read-password.ts";
import { buildWakingPage } from "../front/pages/waking-page.ts";
import { securityHeaders } from "../front/pages/security-headers.ts";
import { buildRefusedView } from "../front/refused-view.ts";
import { headOf, type Env, type SiteContext } from "../front/site-context.ts";
import { seenFrom } from "../front/seen-from.ts";
import { sourceOf } from "../front/source.ts";
import { buildWakeAnswer, type WakeSituation } from "../front/wake-answer.ts";
import type { WorkloadView } from "../model/view.ts";

const longestBody = 16 * 1024;
/** A failed start is not tried again by reloading before this. */
const failedRestMs = 60_000;

export function addWakeRoutes(app: Hono<Env>, site: SiteContext): void {
  const onlyLab = () => {
    const labs = site.household.list().filter(({ type }) => type === "lab");
    return labs.length === 1 ? labs[0]?.name : undefined;
  };
  app.on(["GET", "POST"], "/v1/start", (c) => wake(c, site, onlyLab()));
  app.on(["GET", "POST"], "/v1/:name/start", (c) => wake(c, site, c.req.param("name")));
}

async function wake(c: HonoContext<Env>, site: SiteContext, name: string | undefined): Promise<Response> {
  const { household, gate, sessions } = site;
  const candidate = readPassword(await partsOf(c));
  if (candidate === undefined) return say(c, { kind: "no-password" });
  const secret = name === undefined ? undefined : household.secretOf(name);
  const source = sourceOf(c.env.incoming.socket.remoteAddress);
  const verdict = await gate.check({ source, account: name ?? "", secret, candidate });
  if (verdict.kind === "throttled") return say(c, verdict);
  if (verdict.kind === "wrong" || name === undefined) return say(c, { kind: "wrong-password" });
  const looksAhead = isPreview(headOf(c, site));
  const refusal = looksAhead ? undefined : await wakeUnlessRunning(c, site, name);
  const found = household.find(name);
  if (!found) return say(c, { kind: "wrong-password" });
  const seen = seenFrom(found, c.req.header("host"));
  const view = refusal === undefined ? seen : buildRefusedView(seen, refusal, household.now());
  const situation = situationOf(site, view);
  if (looksAhead)
    return say(c, situation.kind === "starting" ? { ...situation, kind: "not-asked" } : situation);
  if (!wantsPage(c)) return say(c, situation);
  const cookie = sessions.setCookie({ workload: name }, sessions.issue({ workload: name }, verdict.version));
  const body = buildWakingPage(view, { project: household.project, atGateway: true, now: household.now() });
  return c.html(body, view.state === "failed" || view.state === "absent" ? 503 : 200, {
    ...securityHeaders,
    "set-cookie": cookie,
  });
}

/** What was thrown when it could not be woken; undefined when it could, or need not. */
async function wakeUnlessRunning(
  c: HonoContext<Env>,
  { household }: SiteContext,
  name: string,
): Promise<unknown> {
  const view = household.find(name);
  if (!view) return undefined;
  const rested = c.req.method === "POST" || household.now() - view.since >= failedRestMs;
  const wakes = view.state === "asleep" || view.state === "sleeping" || (view.state === "failed" && rested);
  if (!wakes) return undefined;
  return household.wake(name, "Woken through its address.", "visitor").then(
    () => undefined,
    (error: unknown) => error,
  );
}

function situationOf({ household }: SiteContext, view: WorkloadView): WakeSituation {
  const { title, state } = view;
  switch (state) {
    case "awake":
      return { kind: "awake", title, url: `${view.url}${view.home}`, idleMs: view.idleMs ?? null };
    case "failed": {
      const restMs = Math.max(0, failedRestMs - (household.now() - view.since));
      return { kind: "failed", title, reason: view.why, retryAfterSeconds: Math.ceil(restMs / 1000) };
    }
    case "absent":
      return { kind: "absent", title, todo: `\`sesta up ${view.name}\` has to bring it up` };
    default: {
      const elapsedMs = state === "waking" ? household.now() - view.since : 0;
      return { kind: "starting", state, title, earlierMs: household.earlierWakesMs(view.name), elapsedMs };
    }
  }
}

function say(c: HonoContext<Env>, situation: WakeSituation): Response {
  const { status, headers, body } = buildWakeAnswer(situation);
  return new Response(c.req.raw.method === "HEAD" ? null : body, { status, headers });
}

/** `Accept: text/html` is a browser; curl and libraries send `*` and get JSON. */
function wantsPage(c: HonoContext<Env>): boolean {
  return /\btext\/html\b/i.test(c.req.header("accept") ?? "");
}

async function partsOf(c: HonoContext<Env>) {
  const { method } = c.req;
  const small = Number(c.req.header("content-length") ?? Infinity) <= longestBody;
  return {
    method,
    query: (c.env.incoming.url ?? "").split("?").slice(1).join("?"),
    authorization: c.req.header("authorization"),
    contentType: c.req.header("content-type"),
    body: method === "POST" && small ? await c.req.text() : undefined,
  };
}
