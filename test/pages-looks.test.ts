// The pages in a real browser: readable by day and night, on a small phone, without scripts, the same live as fresh.
import { describe, expect, test } from "vitest";
import { buildIndexPage } from "../src/front/pages/index-page.ts";
import { buildLoginPage } from "../src/front/pages/login-page.ts";
import { buildMessagePage } from "../src/front/pages/message-page.ts";
import { buildWakingPage } from "../src/front/pages/waking-page.ts";
import type { WorkloadView } from "../src/model/view.ts";
import { findFaintText } from "./support/contrast.ts";
import { buildHostileView, missingChromium, project, usePages } from "./support/pages-harness.ts";
import { buildView, exampleViews } from "./support/views.ts";
import { xssPayloads } from "./support/xss-payloads.ts";

if (missingChromium !== "") console.warn(`pages-looks.test.ts is skipped: ${missingChromium}`);

describe.skipIf(missingChromium !== "")("how pages look", { timeout: 60_000 }, () => {
  const pages = usePages();
  const now = Date.now();
  const views = Object.entries(exampleViews).map(([name, view]) => ({
    ...view,
    name,
    since: now - 7000,
  }));
  const builds: Record<string, [WorkloadView[], () => string]> = {
    login: [
      [],
      () => buildLoginPage({ project, workload: "notebook", next: "/", problem: "Wrong password." }),
    ],
    wait: [[], () => buildLoginPage({ project, next: "/", retryAfterSeconds: 60 })],
    message: [
      [],
      () =>
        buildMessagePage({
          project,
          title: "Gone",
          message: "It is gone.",
          hint: "Look elsewhere.",
        }),
    ],
    index: [views, () => buildIndexPage({ project, workloads: views, owner: true, now })],
    empty: [[], () => buildIndexPage({ project, workloads: [], owner: false })],
    ...Object.fromEntries(
      views.map((view): [string, [WorkloadView[], () => string]] => [
        `waking ${view.name}`,
        [[view], () => buildWakingPage({ ...view, name: view.name }, { project, atGateway: true, now })],
      ]),
    ),
  };

  test.each(["light", "dark"] as const)(
    "every text can be read in %s mode, and nothing is wider than a small phone",
    async (colorScheme) => {
      const page = await pages.newPage({
        colorScheme,
        viewport: { width: 320, height: 640 },
        reducedMotion: "reduce",
      });
      pages.server.pages.set("/", () => "");
      for (const [name, [shown, build]] of Object.entries(builds)) {
        pages.server.pages.set("/page", build);
        pages.server.show(...shown.map((view) => (view.state === "awake" ? { ...view, url: null } : view)));
        await page.goto(`${pages.server.origin}/page`);
        expect(await findFaintText(page), `${name} ${colorScheme}`).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(320);
        expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe(
          colorScheme === "dark" ? "rgb(22, 20, 18)" : "rgb(250, 248, 244)",
        );
        expect(await page.evaluate("document.getAnimations().length")).toBe(0);
      }
    },
  );

  test("the measure of contrast finds faint text", async () => {
    const page = await pages.newPage();
    await page.setContent('<p style="color:#999">faint</p><p style="color:#111">plain</p>');
    expect(await findFaintText(page)).toEqual(["2.85 faint"]);
  });
});

describe.skipIf(missingChromium !== "")("without JavaScript", { timeout: 60_000 }, () => {
  const pages = usePages();

  test("the waking page asks again by itself until the workload is there", async () => {
    let shown = buildWakingPage(buildView(), { project });
    pages.server.pages.set("/", () => shown);
    const page = await pages.newPage({ javaScriptEnabled: false });
    await page.goto(`${pages.server.origin}/`);
    shown = `<!doctype html><link rel="icon" href="data:,"><h1>Lab</h1>`;
    await page.getByRole("heading", { name: "Lab", exact: true }).waitFor();
    expect(new Set(pages.server.requests.map((request) => request.path))).toEqual(new Set(["/"]));
  });

  test("T7: forms post with the exact Origin, and never with a path in the Referer", async () => {
    pages.server.pages.set("/login", () => buildLoginPage({ project, next: "/lab" }));
    pages.server.pages.set("/lab", () => buildWakingPage(buildView({ state: "asleep" }), { project }));
    const page = await pages.newPage({ javaScriptEnabled: false });
    await page.goto(`${pages.server.origin}/login?pass=secret`);
    await page.getByLabel("Password").fill("p w");
    await page.getByRole("button", { name: "Log in" }).click();
    // A browser asks for /favicon.ico by itself, before or after.
    const findLogin = () => pages.server.requests.find(({ path }) => path === "/_sesta/login");
    await expect.poll(findLogin).toMatchObject({ body: "next=%2Flab&password=p+w" });
    expect(findLogin()?.headers).toMatchObject({
      origin: pages.server.origin,
      "sec-fetch-site": "same-origin",
      referer: `${pages.server.origin}/`,
    });
    await page.goto(`${pages.server.origin}/lab`);
    await page.getByRole("button", { name: "Wake" }).click();
    await expect.poll(() => pages.server.changes).toEqual([{ change: "wake", workload: "notebook" }]);
  });

  test("the index page shows its rows, and no button that could not work", async () => {
    const view = buildView({ state: "awake", url: "http://127.0.0.1:8471" });
    pages.server.pages.set("/", () => buildIndexPage({ project, workloads: [view], owner: true }));
    const page = await pages.newPage({ javaScriptEnabled: false });
    await page.goto(`${pages.server.origin}/`);
    expect(await page.getByRole("link", { name: "Open notebook" }).isVisible()).toBe(true);
    expect(await page.locator('[data-part="sleep"]').isVisible()).toBe(false);
  });
});

describe.skipIf(missingChromium !== "")(
  "what the script makes of a state is what the server makes of it",
  { timeout: 60_000 },
  () => {
    const pages = usePages();
    // Times differ by the moment; the script marks rows, moves the sun and lists steps.
    const bare = `document.querySelector("main").outerHTML
    .replace(/ (?:data-mark|cy|disabled)="[^"]*"/g, "").replace(/<ol.*?<\\/ol>|<noscript>.*?<\\/noscript>/gs, "")
    .replace(/(?<=>)\\s+|\\s+(?=<)/g, "")`;
    const future = Date.now() + 9e9;
    const all = [
      ...Object.entries(exampleViews).map(([name, view]) => ({ ...view, name })),
      ...xssPayloads.map((payload, index) => ({ ...buildHostileView(payload), name: `w${index}` })),
    ].map((view) => ({ ...view, since: future, etaSeconds: null, sleepsAt: null }));

    test("index page", async () => {
      pages.server.pages.set("/live", () => buildIndexPage({ project, workloads: [], owner: true }));
      pages.server.pages.set("/fresh", () =>
        buildIndexPage({ project, workloads: all, owner: true, now: Date.now() }),
      );
      pages.server.show(...all);
      const live = await pages.newPage();
      const fresh = await pages.newPage({ javaScriptEnabled: false });
      await live.goto(`${pages.server.origin}/live`);
      await fresh.goto(`${pages.server.origin}/fresh`);
      await expect.poll(() => live.evaluate(bare)).toBe(await fresh.evaluate(bare));
    });

    test("waking page", async () => {
      const live = await pages.newPage();
      const fresh = await pages.newPage({ javaScriptEnabled: false });
      for (const view of all.slice(0, 17)) {
        const before = buildView({ name: view.name, state: "absent", why: "before" });
        pages.server.pages.set("/live", () => buildWakingPage(before, { project, next: "/lab" }));
        pages.server.pages.set("/fresh", () =>
          buildWakingPage(view, { project, next: "/lab", now: Date.now() }),
        );
        pages.server.show(view);
        await live.goto(`${pages.server.origin}/live`);
        await fresh.goto(`${pages.server.origin}/fresh`);
        await expect.poll(() => live.evaluate(bare), { message: view.name }).toBe(await fresh.evaluate(bare));
      }
    });
  },
);
