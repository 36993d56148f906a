// Strings from outside in a real browser: none of them becomes a script or a request.
import { describe, expect, test } from "vitest";
import { buildIndexPage } from "../src/front/pages/index-page.ts";
import { buildLoginPage } from "../src/front/pages/login-page.ts";
import { buildWakingPage } from "../src/front/pages/waking-page.ts";
import type { WorkloadView } from "../src/model/view.ts";
import { buildHostileView, missingChromium, project, usePages } from "./support/pages-harness.ts";
import { xssPayloads } from "./support/xss-payloads.ts";

if (missingChromium !== "") console.warn(`pages-safety.test.ts is skipped: ${missingChromium}`);

describe.skipIf(missingChromium !== "")(
  "T14: fifty payloads run no script and make no request",
  { timeout: 60_000 },
  () => {
    const pages = usePages();
    const hit = "window.hits = 0; window.hit = parent.hit = () => { window.hits++; };";

    test.each([
      ["with the policy", false],
      ["by escaping alone, without the policy", true],
    ])("%s", async (_name, bypassCSP) => {
      const page = await pages.newPage({ bypassCSP });
      await page.addInitScript(hit);
      let dialogs = 0;
      page.on("dialog", (dialog) => {
        dialogs++;
        void dialog.dismiss();
      });
      const asked = new Set<string>();
      page.on("request", (request) =>
        asked.add(new URL(request.url()).pathname.replace(/[0-9a-f]{16}/, "HASH")),
      );
      const all = xssPayloads.map((payload, index) => ({
        ...buildHostileView(payload),
        name: `${index} ${payload}`,
      }));
      const builds: [string, WorkloadView[], () => string][] = [
        [
          "/index",
          all,
          () => buildIndexPage({ project: xssPayloads.join(" "), workloads: all, owner: true }),
        ],
        ["/live", all, () => buildIndexPage({ project, workloads: [], owner: true })],
        ...all.map((view, index): [string, WorkloadView[], () => string] => [
          `/waking${index}`,
          [view],
          () => buildWakingPage({ ...view, name: view.name }, { project: view.title, next: view.title }),
        ]),
        ...xssPayloads.map((payload, index): [string, WorkloadView[], () => string] => [
          `/login${index}`,
          [],
          () =>
            buildLoginPage({
              project: payload,
              workload: payload,
              next: payload,
              problem: payload,
            }),
        ]),
      ];
      for (const [path, views, build] of builds) {
        pages.server.pages.set(path, build);
        pages.server.show(...views.map((view) => ({ ...view, phase: "before" })));
        await page.goto(pages.server.origin + path);
        pages.server.show(...views);
        if (views.length > 0)
          await page
            .locator("body:not(:has([data-part=phase]:not([hidden])))")
            .waitFor({ state: "attached" });
        if (path === "/live") await page.getByRole("listitem").nth(49).waitFor();
        expect(
          await page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(hits), 0)))",
          ),
          path,
        ).toBe(0);
      }
      expect(dialogs).toBe(0);
      const expected = builds.map(([path]) => path);
      const own = [
        "/_sesta/events",
        "/_sesta/state",
        "/_sesta/assets/HASH/page.css",
        "/_sesta/assets/HASH/page.js",
        "/_sesta/assets/HASH/icon.svg",
      ];
      expect([...asked].filter((path) => !expected.includes(path) && !own.includes(path))).toEqual([]);
      expect(pages.server.requests.filter(({ path }) => path.includes("hit"))).toEqual([]);
    });

    test("the same payloads do both in a page that trusts them", async () => {
      const page = await pages.newPage();
      await page.addInitScript(hit);
      const ran = new Set<number>();
      for (const [index, payload] of xssPayloads.entries()) {
        await page.route("**/*", (route) => {
          if (!route.request().url().includes("/hit")) return route.continue();
          ran.add(index);
          return route.fulfill({ status: 404, body: "" });
        });
        await page.route(`${pages.server.origin}/trusting`, (route) =>
          route.fulfill({
            contentType: "text/html; charset=utf-8",
            body: `<!doctype html><body><p>${payload}</p>`,
          }),
        );
        await page.goto(`${pages.server.origin}/trusting`, { waitUntil: "load" }).catch(() => undefined);
        const hits = await page.evaluate("window.hits").catch(() => 1);
        if (hits !== 0) ran.add(index);
        await page.unrouteAll({ behavior: "ignoreErrors" });
      }
      pages.forgive();
      expect(ran.size).toBeGreaterThan(30);
    });
  },
);
