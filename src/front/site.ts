// What every origin of a project has under /_sesta/: login, state, changes, the owner's entrance, and the assets.
import type { HttpBindings } from "@hono/node-server";
import { Hono, type Context as HonoContext } from "hono";
import { streamSSE } from "hono/streaming";
import type { Snapshot, WorkloadView } from "../model/view.ts";
import type { Gate } from "./gate.ts";
import type { Household } from "./household.ts";
import { checkChange, checkLogin } from "./origin.ts";
import { findAsset } from "./pages/assets.ts";
import { buildLoginPage } from "./pages/login-page.ts";
import { buildMessagePage } from "./pages/message-page.ts";
import { safeNext } from "./pages/safe-next.ts";
import { securityHeaders } from "./pages/security-headers.ts";
import type { RequestHead } from "./request-head.ts";
import { seenFrom } from "./seen-from.ts";
import type { Sessions } from "./session.ts";
import { sourceOf } from "./source.ts";
import type { Tickets } from "./ticket.ts";
import { findVisitor, ownerVersion, type Visitor } from "./visitor.ts";

export type Env = { Bindings: HttpBindings };
export type SiteContext = {
  household: Household;
  gate: Gate;
  sessions: Sessions;
  tickets: Tickets;
  encrypted: boolean;
  /** The one workload whose origin this is; without it the project's own. */
  workload?: string;
};

const longestBody = 64 * 1024;
const keepAliveMs = 15_000;

export function createSite(site: SiteContext): Hono<Env> {
  const { household, sessions, tickets, workload } = site;
  const app = new Hono<Env>();

  app.get("/_sesta/assets/*", (c) => {
    const asset = findAsset(c.req.path);
    if (!asset) return c.notFound();
    if (c.req.header("if-none-match") === asset.headers["etag"]) return c.body(null, 304, asset.headers);
    return c.body(asset.body, 200, asset.headers);
  });
  app.get("/_sesta/login", (c) => page(c, loginPage(site, safeNext(c.req.query("next")))));
  app.post("/_sesta/login", (c) => login(c, site));
  app.post("/_sesta/logout", (c) => {
    if (checkChange(headOf(c, site))) return refuse(c);
    const names = workload === undefined ? household.list().map(({ name }) => name) : [workload];
    for (const name of names)
      c.header("set-cookie", sessions.clearCookie({ workload: name }), { append: true });
    c.header("set-cookie", sessions.clearCookie({ owner: true }), { append: true });
    return c.redirect("/_sesta/login", 303);
  });
  // The code is good once, so that nothing of worth stays in the browser's history.
  app.get("/_sesta/enter", (c) => {
    const subject = tickets.redeem(c.req.query("code") ?? "");
    if (!subject) return page(c, usedTicketPage(site), 403);
    c.header("set-cookie", sessions.setCookie(subject, sessions.issue(subject, ownerVersion)));
    return c.redirect(safeNext(c.req.query("next")), 303);
  });
  app.get("/_sesta/state", (c) => {
    const visitor = visitorOf(c, site);
    if (!mayLook(visitor)) return c.json({ message: "Log in first." }, 401);
    return c.json(snapshot(c, site, visitor, c.req.query("workload")), 200, { "cache-control": "no-store" });
  });
  app.get("/_sesta/events", (c) => {
    if (!mayLook(visitorOf(c, site))) return c.json({ message: "Log in first." }, 401);
    return events(c, site);
  });
  app.post("/_sesta/wake", (c) => change(c, site, "wake"));
  app.post("/_sesta/sleep", (c) => change(c, site, "sleep"));
  return app;
}

export function page(c: HonoContext<Env>, body: string, status: 200 | 403 | 404 | 429 | 503 = 200): Response {
  return c.html(body, status, securityHeaders);
}

/** The request as the pure checks of this folder take it. */
export function headOf(c: HonoContext<Env>, { encrypted }: { encrypted: boolean }): RequestHead {
  return {
    method: c.req.method,
    host: c.req.header("host"),
    encrypted,
    header: (name) => c.req.header(name),
  };
}

export function visitorOf(c: HonoContext<Env>, { household, sessions, workload }: SiteContext): Visitor {
  return findVisitor(
    household,
    sessions,
    c.req.header("cookie"),
    (name) => workload === undefined || name === workload,
  );
}

function mayLook({ owner, names }: Visitor): boolean {
  return owner || names.length > 0;
}

function loginPage({ household, workload }: SiteContext, next: string, problem: object = {}): string {
  return buildLoginPage({
    project: household.project,
    ...(workload !== undefined && { workload }),
    next,
    ...problem,
  });
}

function usedTicketPage({ household }: SiteContext): string {
  return buildMessagePage({
    project: household.project,
    title: "This link was used already",
    message: "It opens one browser, once, within a minute.",
    hint: "Run `sesta open` again.",
  });
}

// The password of a workload opens that one; at the project's own origin, every workload that it fits.
async function login(c: HonoContext<Env>, site: SiteContext): Promise<Response> {
  if (checkLogin(headOf(c, site))) return refuse(c);
  const { household, gate, sessions, workload } = site;
  const form = new URLSearchParams(await boundedText(c));
  const next = safeNext(form.get("next"));
  const candidate = form.get("password") ?? "";
  const names = workload === undefined ? household.list().map(({ name }) => name) : [workload];
  const secrets = new Set(names.map((name) => household.secretOf(name)).filter((secret) => secret !== undefined));
  const source = sourceOf(c.env.incoming.socket.remoteAddress);
  // One account for all of them, so that the right password forgives the secrets that it did not fit.
  const account = workload ?? "";
  for (const secret of secrets.size > 0 ? secrets : [undefined]) {
    const verdict = await gate.check({ source, account, secret, candidate });
    if (verdict.kind === "throttled") {
      const { retryAfterSeconds } = verdict;
      c.header("retry-after", String(retryAfterSeconds));
      return page(c, loginPage(site, next, { problem: "Too many attempts.", retryAfterSeconds }), 429);
    }
    if (verdict.kind !== "ok") continue;
    for (const name of names.filter((one) => household.secretOf(one) === secret)) {
      const cookie = sessions.setCookie({ workload: name }, sessions.issue({ workload: name }, verdict.version));
      c.header("set-cookie", cookie, { append: true });
    }
    return c.redirect(next, 303);
  }
  return page(c, loginPage(site, next, { problem: "Wrong password." }), 403);
}

async function change(c: HonoContext<Env>, site: SiteContext, to: "wake" | "sleep"): Promise<Response> {
  if (checkChange(headOf(c, site))) return refuse(c);
  const body = await readChange(c);
  const { owner, names } = visitorOf(c, site);
  if (body.workload === undefined || !names.includes(body.workload)) return refuse(c);
  const { household } = site;
  const by = owner ? "owner" : "visitor";
  try {
    if (to === "wake") await household.wake(body.workload, "Woken with the button of a page.", by);
    else await household.sleep(body.workload, "Put to sleep with the button of a page.", by);
  } catch (error) {
    return c.json({ message: error instanceof Error ? error.message : "It did not work." }, 503);
  }
  if (body.form) return c.redirect(body.next, 303);
  return c.json(snapshot(c, site, visitorOf(c, site)));
}

// From the script as JSON with a header that no form can send, or from a page without script as a form.
async function readChange(c: HonoContext<Env>): Promise<{ workload?: string; next: string; form: boolean }> {
  const text = await boundedText(c);
  if (/^application\/json\b/.test(c.req.header("content-type") ?? "")) {
    if (c.req.header("x-sesta") !== "1") return { next: "/", form: false };
    const body: unknown = JSON.parse(text === "" ? "null" : text);
    const name = typeof body === "object" && body !== null && "workload" in body ? body.workload : undefined;
    return { ...(typeof name === "string" && { workload: name }), next: "/", form: false };
  }
  const form = new URLSearchParams(text);
  const name = form.get("workload");
  return { ...(name !== null && { workload: name }), next: safeNext(form.get("next")), form: true };
}

async function boundedText(c: HonoContext<Env>): Promise<string> {
  const length = Number(c.req.header("content-length") ?? Infinity);
  return length > longestBody ? "" : c.req.text();
}

/** The workloads that this visitor may see, with addresses under the host name that it came by. */
export function viewsOf(c: HonoContext<Env>, { household }: SiteContext, { names }: Visitor): WorkloadView[] {
  const seen = household.list().filter(({ name }) => names.includes(name));
  return seen.map((view) => seenFrom(view, c.req.header("host")));
}

function snapshot(c: HonoContext<Env>, site: SiteContext, visitor: Visitor, only?: string): Snapshot {
  const workloads = viewsOf(c, site, visitor).filter(({ name }) => only === undefined || name === only);
  return { workloads, now: site.household.now() };
}

// Ends by itself when the session does: what the visitor may see is asked anew for every message.
function events(c: HonoContext<Env>, site: SiteContext): Response {
  const only = c.req.query("workload");
  c.header("cache-control", "no-store");
  return streamSSE(c, async (stream) => {
    let wakeUp: () => void = () => undefined;
    const stop = site.household.onChange(() => wakeUp());
    stream.onAbort(() => wakeUp());
    try {
      while (!stream.aborted) {
        const visitor = visitorOf(c, site);
        if (!mayLook(visitor)) return;
        await stream.writeSSE({ data: JSON.stringify(snapshot(c, site, visitor, only)) });
        await new Promise<void>((resolve) => {
          wakeUp = resolve;
          setTimeout(resolve, keepAliveMs).unref();
        });
      }
    } finally {
      stop();
    }
  });
}

function refuse(c: HonoContext<Env>): Response {
  return c.json({ message: "This request did not come from a page of this address." }, 403);
}
