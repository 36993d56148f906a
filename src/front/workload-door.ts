// A workload's own origin: who is logged in passes to the process behind it; visiting wakes it, and nothing else does.
import { getRequestListener } from "@hono/node-server";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { WorkloadView } from "../model/view.ts";
import { isKnownHost } from "./host.ts";
import type { Household } from "./household.ts";
import { isNavigation } from "./navigation.ts";
import { isOwnWrite } from "./own-write.ts";
import { checkChange, checkRead, checkUpgrade, type OriginProblem } from "./origin.ts";
import { buildWakingPage } from "./pages/waking-page.ts";
import { createDoorServer } from "./proxy/door-server.ts";
import type { Decision, Door, DoorRequest } from "./proxy/door.ts";
import { buildRefusedView } from "./refused-view.ts";
import { createSite } from "./site.ts";
import { headOf, page, type SiteContext } from "./site-context.ts";
import { findSession } from "./visitor.ts";
import { createPrograms, type Programs } from "./programs.ts";
import { createRepeats, type Repeats } from "./repeats.ts";
import { estimateWake } from "./wake-estimate.ts";
import { refusal } from "./refusal.ts";

export type WorkloadDoor = Pick<Door, "listen" | "close"> & {
  /** Ends what was opened under an older password. */
  dropOldSessions(): void;
};

export type WorkloadDoorContext = SiteContext & {
  workload: string;
  /** Names under which this machine is reached, ports aside. */
  hosts: ReadonlySet<string>;
  clock: Clock;
  log: Log;
};

export function createWorkloadDoor(context: WorkloadDoorContext): WorkloadDoor {
  const { household, sessions, workload, hosts, clock, log } = context;
  const app = createSite(context);
  const repeats = createRepeats(clock);
  const programs = createPrograms({ ...context, notAwake: () => notAwake(household, workload) });
  app.get("*", async (c) => {
    const target = c.env.incoming.url ?? "/";
    if (!findSession(household, sessions, c.req.header("cookie"), workload)) {
      return c.redirect(`/_sesta/login?next=${encodeURIComponent(target)}`, 302);
    }
    let refusal: unknown;
    const before = household.find(workload);
    const visits = before !== undefined && isNavigation(headOf(c, context));
    const wakes = visits && mayWake(before);
    // What this door knows may be old: its agent decides whether that was too late for it to stay awake.
    if (visits && (before.state === "waking" || before.state === "awake"))
      household.used(workload, "somebody opened its page", "visit");
    if (wakes) {
      await household.wake(workload, visited, "visitor").catch((error: unknown) => {
        log.warn("wake by visit", { workload, error: String(error) });
        refusal = error;
      });
    }
    const found = household.find(workload);
    if (!found) return c.json({ message: `${workload} is gone.` }, 503);
    const view = refusal === undefined ? found : buildRefusedView(found, refusal, household.now());
    const next = target === "/" ? view.home : target;
    c.header("retry-after", retryAfter(household, view));
    const text = { project: household.project, next, follows: wakes, now: household.now() };
    return page(c, buildWakingPage(view, text), 503);
  });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });

  const door = createDoorServer({
    decide: (request) =>
      isKnownHost(request.host, hosts)
        ? decide(household, context, { programs, repeats }, request)
        : misdirected,
    local: (request, response) => void listener(request, response),
    used: () => household.used(workload, "somebody typed or ran something in its page", "frame"),
    clock,
    log,
  });
  return {
    listen: door.listen,
    close: door.close,
    dropOldSessions: () =>
      door.dropSessions((id) => id !== `${generation(household, workload)}` && !id.startsWith("owner")),
  };
}

const misdirected: Decision = refusal(421, "This address belongs to another host.");
const local: Decision = { kind: "local" };

const visited = "Somebody opened its page.";

/** Asleep, or on the way there: then it is to be awake again, at whatever step it is. */
function mayWake({ state }: WorkloadView): boolean {
  return state === "asleep" || state === "sleeping";
}

function decide(
  household: Household,
  { sessions, workload, log }: WorkloadDoorContext,
  { programs, repeats }: { programs: Programs; repeats: Repeats },
  request: DoorRequest,
): Decision {
  if (request.target.startsWith("/_sesta/"))
    return request.upgrade ? refusal(404, "Nothing is here.") : local;
  if (request.header("authorization") !== undefined && household.admitsPrograms(workload))
    return programs.decide(request);
  const reads = request.method === "GET" || request.method === "HEAD" || request.method === "OPTIONS";
  const navigates = isNavigation(request);
  const session = findSession(household, sessions, request.header("cookie"), workload);
  if (!session) return navigates ? local : refusal(401, "Log in first.");
  if (!navigates && findProblem(request, reads)) return refusal(403, "This request came from elsewhere.");
  const address = household.address(workload);
  if (!address) return navigates ? local : notAwake(household, workload);
  if (navigates) visit(household, workload, log);
  else if (household.admitsPrograms(workload)) {
    if (repeats.isNew(request)) household.used(workload, "somebody did something in its page", "change");
  } else if (!reads && !isOwnWrite(request))
    household.used(workload, "somebody changed something in its page", "change");
  const id = "owner" in session.subject ? "owner" : `${session.version}`;
  return { kind: "forward", upstream: address, session: id };
}

/** Also a wake request where it goes to sleep, so that whoever sees its page finds it awake afterwards. */
function visit(household: Household, workload: string, log: Log): void {
  household.used(workload, "somebody opened its page", "visit");
  if (household.find(workload)?.state !== "sleeping") return;
  household.wake(workload, visited, "visitor").catch((error: unknown) => {
    log.warn("wake by visit", { workload, error: String(error) });
  });
}

function findProblem(request: DoorRequest, reads: boolean): OriginProblem | undefined {
  if (request.upgrade) return checkUpgrade(request);
  return reads ? checkRead(request) : checkChange(request);
}

function generation(household: Household, workload: string): number | undefined {
  const secret = household.secretOf(workload);
  return secret === undefined ? undefined : household.passwords().get(secret)?.version;
}

function notAwake(household: Household, workload: string): Decision {
  const view = household.find(workload);
  const state = view?.state ?? "absent";
  const body = JSON.stringify({ message: `${workload} is ${state}.`, state });
  const headers = { "retry-after": view ? retryAfter(household, view) : "60", "cache-control": "no-store" };
  return { kind: "refuse", status: 503, body, contentType: "application/json; charset=utf-8", headers };
}

function retryAfter(household: Household, view: WorkloadView): string {
  const elapsedMs = view.state === "waking" ? household.now() - view.since : 0;
  return String(estimateWake(household.earlierWakesMs(view.name), elapsedMs).retryAfterSeconds);
}
