// What every origin of a project has under /_sesta/: login, state, changes, the owner's entrance, and the assets.
import { Hono } from "hono";
import { change } from "./change.ts";
import { events } from "./events.ts";
import { login, loginPage } from "./login.ts";
import { checkChange } from "./origin.ts";
import { findAsset } from "./pages/assets.ts";
import { buildMessagePage } from "./pages/message-page.ts";
import { safeNext } from "./pages/safe-next.ts";
import {
  headOf,
  mayLook,
  page,
  refuse,
  snapshot,
  visitorOf,
  type Env,
  type SiteContext,
} from "./site-context.ts";
import { ownerVersion } from "./visitor.ts";

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
  app.post("/_sesta/awake", (c) => change(c, site, "awake"));
  return app;
}

function usedTicketPage({ household }: SiteContext): string {
  return buildMessagePage({
    project: household.project,
    title: "This link was used already",
    message: "It opens one browser, once, within a minute.",
    hint: "Run `sesta open` again.",
  });
}
