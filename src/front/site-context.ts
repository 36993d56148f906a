// What every answer of a project's origins is made from, and the few things that all of them do.
import type { HttpBindings } from "@hono/node-server";
import type { Context as HonoContext } from "hono";
import type { Snapshot, WorkloadView } from "../model/view.ts";
import type { Gate } from "./gate.ts";
import type { Household } from "./household.ts";
import { securityHeaders } from "./pages/security-headers.ts";
import type { RequestHead } from "./request-head.ts";
import { seenFrom } from "./seen-from.ts";
import type { Sessions } from "./session.ts";
import type { Tickets } from "./ticket.ts";
import { findVisitor, type Visitor } from "./visitor.ts";

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

export function mayLook({ owner, names }: Visitor): boolean {
  return owner || names.length > 0;
}

/** The workloads that this visitor may see, with addresses under the host name that it came by. */
export function viewsOf(c: HonoContext<Env>, { household }: SiteContext, { names }: Visitor): WorkloadView[] {
  const seen = household.list().filter(({ name }) => names.includes(name));
  return seen.map((view) => seenFrom(view, c.req.header("host")));
}

export function snapshot(c: HonoContext<Env>, site: SiteContext, visitor: Visitor, only?: string): Snapshot {
  const workloads = viewsOf(c, site, visitor).filter(({ name }) => only === undefined || name === only);
  return { workloads, now: site.household.now() };
}

/** The body of a form or a change; of one that is too long, nothing. */
export async function boundedText(c: HonoContext<Env>): Promise<string> {
  const length = Number(c.req.header("content-length") ?? Infinity);
  return length > longestBody ? "" : c.req.text();
}

export function refuse(c: HonoContext<Env>): Response {
  return c.json({ message: "This request did not come from a page of this address." }, 403);
}
