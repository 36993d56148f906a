// The project's own origin: the wake endpoint, the index of its workloads, and the login to them.
import { getRequestListener } from "@hono/node-server";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { isKnownHost } from "../front/host.ts";
import { buildIndexPage } from "../front/pages/index-page.ts";
import { createDoorServer } from "../front/proxy/door-server.ts";
import type { Door } from "../front/proxy/door.ts";
import { createSite } from "../front/site.ts";
import { page, viewsOf, visitorOf, type SiteContext } from "../front/site-context.ts";
import { addWakeRoutes } from "./wake.ts";
import { refusal } from "../front/refusal.ts";

/** @param hosts names under which this machine is reached, ports aside */
export function createFrontPage(site: SiteContext, hosts: ReadonlySet<string>, clock: Clock, log: Log): Door {
  const { household } = site;
  const app = createSite(site);
  addWakeRoutes(app, site);
  app.get("/", (c) => {
    const visitor = visitorOf(c, site);
    const { owner, names } = visitor;
    if (!owner && names.length === 0) return c.redirect("/_sesta/login?next=%2F", 302);
    const workloads = viewsOf(c, site, visitor);
    return page(c, buildIndexPage({ project: household.project, workloads, owner, now: household.now() }));
  });
  app.notFound((c) => c.json({ message: "Log in first." }, 401));
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return createDoorServer({
    decide: ({ host, upgrade }) => {
      if (!isKnownHost(host, hosts)) return refusal(421, "This address belongs to another host.");
      return upgrade ? refusal(401, "Log in first.") : { kind: "local" };
    },
    local: (request, response) => void listener(request, response),
    clock,
    log,
  });
}
