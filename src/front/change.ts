// The buttons of the pages: wake, sleep and keep awake, asked for by a page of this very origin.
import type { Context as HonoContext } from "hono";
import { checkChange } from "./origin.ts";
import { safeNext } from "./pages/safe-next.ts";
import {
  boundedText,
  headOf,
  refuse,
  snapshot,
  visitorOf,
  type Env,
  type SiteContext,
} from "./site-context.ts";

export async function change(
  c: HonoContext<Env>,
  site: SiteContext,
  to: "wake" | "sleep" | "awake",
): Promise<Response> {
  if (checkChange(headOf(c, site))) return refuse(c);
  const body = await readChange(c);
  const { owner, names } = visitorOf(c, site);
  if (body.workload === undefined || !names.includes(body.workload)) return refuse(c);
  const { household } = site;
  const by = owner ? "owner" : "visitor";
  try {
    if (to === "wake") await household.wake(body.workload, "Woken with the button of a page.", by);
    else if (to === "sleep")
      await household.sleep(body.workload, "Put to sleep with the button of a page.", by);
    else await household.keepAwake(body.workload, "somebody asked on a page that it stays awake", by);
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
