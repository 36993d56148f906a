// The login form: the password of a workload opens that one; at the project's own origin, every workload that it fits.
import type { Context as HonoContext } from "hono";
import { checkLogin } from "./origin.ts";
import { buildLoginPage } from "./pages/login-page.ts";
import { safeNext } from "./pages/safe-next.ts";
import { boundedText, headOf, page, refuse, type Env, type SiteContext } from "./site-context.ts";
import { sourceOf } from "./source.ts";

export async function login(c: HonoContext<Env>, site: SiteContext): Promise<Response> {
  if (checkLogin(headOf(c, site))) return refuse(c);
  const { household, gate, sessions, workload } = site;
  const form = new URLSearchParams(await boundedText(c));
  const next = safeNext(form.get("next"));
  const candidate = form.get("password") ?? "";
  const names = workload === undefined ? household.list().map(({ name }) => name) : [workload];
  const secrets = new Set(
    names.map((name) => household.secretOf(name)).filter((secret) => secret !== undefined),
  );
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
      const cookie = sessions.setCookie(
        { workload: name },
        sessions.issue({ workload: name }, verdict.version),
      );
      c.header("set-cookie", cookie, { append: true });
    }
    return c.redirect(next, 303);
  }
  return page(c, loginPage(site, next, { problem: "Wrong password." }), 403);
}

export function loginPage({ household, workload }: SiteContext, next: string, problem: object = {}): string {
  return buildLoginPage({
    project: household.project,
    ...(workload !== undefined && { workload }),
    next,
    ...problem,
  });
}
