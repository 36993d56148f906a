// The pages in a real browser: they progress, fail, retry, move on, and tell when the gateway is gone.
import { describe, expect, test } from "vitest";
import { buildIndexPage } from "../src/front/pages/index-page.ts";
import { buildLoginPage } from "../src/front/pages/login-page.ts";
import { buildWakingPage } from "../src/front/pages/waking-page.ts";
import type { WorkloadView } from "../src/model/view.ts";
import { missingChromium, project, usePages } from "./support/pages-harness.ts";
import { createPagesServer } from "./support/pages-server.ts";
import { buildSaved, buildView as buildExample } from "./support/views.ts";

if (missingChromium !== "") console.warn(`pages.test.ts is skipped: ${missingChromium}`);

const started = Date.now();
const pollPatience = { timeout: 15_000 };

describe.skipIf(missingChromium !== "")("pages in Chromium", { timeout: 60_000 }, () => {
  const pages = usePages();
  const { newPage } = pages;

  /** Serves the waking page for whatever state was shown last, and plain text where it is awake. */
  function serveLab(view: WorkloadView): (next: Partial<WorkloadView>) => void {
    let current = view;
    const page = (): string =>
      current.state === "awake"
        ? "<!doctype html><title>lab</title><h1>Lab</h1>"
        : buildWakingPage(current, { project });
    pages.server.pages.set("/", page).set("/lab", page);
    pages.server.show(current);
    return (next) => {
      current = { ...current, ...next };
      pages.server.show(current);
    };
  }

  const loads = (path: string): number =>
    pages.server.requests.filter((request) => request.method === "GET" && request.path === path).length;

  test("F15: the waking page progresses, fails with its log, tries again and moves on", async () => {
    const set = serveLab(buildView({ phase: "Making the environment", progress: 0.1 }));
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    const heading = page.getByRole("heading", { level: 1 });
    await expect.poll(() => heading.textContent()).toBe("Waking Jupyter Lab");
    await expect
      .poll(() => page.locator('[data-part="timing"]').textContent())
      .toMatch(/^\d+ s so far, \d s left$/);

    set({ phase: "Starting Jupyter Lab", progress: 0.6 });
    await expect.poll(() => page.locator('[data-part="phase"]').textContent()).toBe("Starting Jupyter Lab");
    expect(await page.locator(".steps li").allTextContents()).toEqual(["Making the environment"]);
    expect(await page.getByRole("progressbar").getAttribute("value")).toBe("0.6");
    const lower = Number(await page.locator('[data-part="sun"]').getAttribute("cy"));

    set({ phase: "Waiting for its first answer", progress: 0.9 });
    await expect
      .poll(() => page.locator(".steps li").last().textContent())
      .toMatch(/^Starting Jupyter Lab \d+\.\d s$/);
    expect(Number(await page.locator('[data-part="sun"]').getAttribute("cy"))).toBeLessThan(lower);

    set({
      state: "failed",
      since: started + 1,
      why: "It ended with code 1.",
      logTail: ["\u001b[31mboom\u001b[0m", "  <bang>"],
    });
    await expect.poll(() => heading.textContent()).toBe("Jupyter Lab did not start");
    expect(await page.getByRole("region", { name: "Last lines of its log" }).textContent()).toBe(
      "boom\n  <bang>",
    );
    expect(await page.getByRole("progressbar").isVisible()).toBe(false);
    expect(await page.title()).toBe("Jupyter Lab did not start · vision-team");

    pages.server.onChange = () => set({ state: "waking", since: started + 2, phase: "Starting Jupyter Lab" });
    await page.getByRole("button", { name: "Try again" }).click();
    await expect.poll(() => heading.textContent()).toBe("Waking Jupyter Lab");
    expect(pages.server.changes).toEqual([{ change: "wake", workload: "notebook" }]);
    const post = pages.server.requests.find((request) => request.method === "POST");
    expect(post?.headers).toMatchObject({
      "x-sesta": "1",
      "content-type": "application/json",
      origin: pages.server.origin,
    });

    set({ state: "awake", url: pages.server.origin });
    await page.waitForURL(`${pages.server.origin}/lab`);
    await expect.poll(() => heading.textContent()).toBe("Lab");
    expect([loads("/"), loads("/lab")]).toEqual([1, 1]);
  });

  test("T1: where no stream comes through it polls, and neither asks for anything that wakes", async () => {
    pages.server.behave.stream = false;
    const set = serveLab(buildView());
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    set({ phase: "Nearly there" });
    await expect
      .poll(() => page.locator('[data-part="phase"]').textContent(), pollPatience)
      .toBe("Nearly there");
    expect(new Set(pages.server.requests.map(({ method, path }) => `${method} ${path}`))).toEqual(
      new Set(["GET /", "GET /_sesta/events", "GET /_sesta/state"]),
    );
    set({ state: "awake" });
    await page.waitForURL(`${pages.server.origin}/lab`);
  });

  test("a home that leads back to the waking page is tried three times, not for ever", async () => {
    pages.server.pages.set("/lab", () => buildWakingPage(buildView(), { project }));
    pages.server.show(buildView({ state: "awake" }));
    const page = await newPage();
    await page.goto(`${pages.server.origin}/lab`);
    await expect
      .poll(() => page.getByRole("alert").textContent(), pollPatience)
      .toContain("keeps leading back");
    expect(loads("/lab")).toBe(4);
    expect(await page.getByRole("link", { name: "Open" }).getAttribute("href")).toBe("/lab");
  });

  test("a page that was asleep wakes on request only, and stays where it is when others wake the workload", async () => {
    const set = serveLab(buildView({ state: "asleep" }));
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    await expect.poll(() => page.getByRole("button", { name: "Wake" }).isVisible()).toBe(true);
    set({ state: "awake", since: started + 1 });
    await expect.poll(() => page.getByRole("link", { name: "Open" }).isVisible()).toBe(true);
    expect(pages.server.changes).toEqual([]);
    expect(page.url()).toBe(`${pages.server.origin}/`);

    set({ state: "asleep", since: started + 2 });
    pages.server.onChange = () => set({ state: "awake", since: started + 3 });
    await page.getByRole("button", { name: "Wake" }).click();
    await page.waitForURL(`${pages.server.origin}/lab`);
  });

  test("a deep link is where it moves on to", async () => {
    pages.server.pages.set("/lab/tree/a.ipynb", () =>
      pages.server.requests.at(-1)?.path.endsWith("?x=1") === true
        ? "<!doctype html><h1>Lab</h1>"
        : buildWakingPage(buildView(), { project, next: "/lab/tree/a.ipynb?x=1" }),
    );
    pages.server.show(buildView({ state: "waking" }));
    const page = await newPage();
    await page.goto(`${pages.server.origin}/lab/tree/a.ipynb`);
    pages.server.show(buildView({ state: "awake" }));
    await page.waitForURL(`${pages.server.origin}/lab/tree/a.ipynb?x=1`);
  });

  test("the fragment of a deep link outlasts the waking page and the login, also a wrong password", async () => {
    const set = serveLab(buildView({ home: "/" }));
    const page = await newPage();
    await page.goto(`${pages.server.origin}/#/runs/7`);
    set({ state: "awake", url: pages.server.origin });
    await page.getByRole("heading", { name: "Lab", exact: true }).waitFor();
    expect(new URL(page.url()).hash).toBe("#/runs/7");

    pages.server.pages.set("/_sesta/login", () => buildLoginPage({ project, next: "/" }));
    await page.goto(`${pages.server.origin}/_sesta/login#/runs/8`);
    for (const [password, then] of [
      ["wrong", "/_sesta/login#/runs/8"],
      ["right", "/#/runs/8"],
    ] as const) {
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Log in" }).click();
      await page.waitForURL(pages.server.origin + then);
    }
  });

  test("T4: at the gateway the password leaves the address, and it moves to the workload's own origin", async () => {
    const lab = await createPagesServer();
    try {
      lab.pages.set("/lab", () => "<!doctype html><h1>Lab</h1>");
      pages.server.pages.set("/v1/start", () =>
        buildWakingPage(buildView({ name: "a&b" }), { project, atGateway: true }),
      );
      pages.server.show(
        buildView({ name: "other", state: "awake", url: "http://127.0.0.1:1" }),
        buildView({ name: "a&b" }),
      );
      const page = await newPage();
      await page.goto(`${pages.server.origin}/v1/start?pass=secret&x=1`);
      await expect.poll(() => page.evaluate("location.href")).toBe(`${pages.server.origin}/v1/start?x=1`);
      await expect.poll(() => loads("/_sesta/events?workload=a%26b")).toBe(1);
      pages.server.show(buildView({ name: "a&b", state: "awake", url: lab.origin }));
      await page.waitForURL(`${lab.origin}/lab`);
      const heard = [...pages.server.requests, ...lab.requests].filter(({ path }) => !path.includes("pass="));
      expect(heard.length).toBeGreaterThan(1);
      expect(JSON.stringify(heard)).not.toContain("secret");
    } finally {
      await lab.close();
    }
  });

  test("the index page is live: rows come, change and go; wake and sleep ask the gateway", async () => {
    const lab = buildView({
      state: "awake",
      url: "http://127.0.0.1:8471",
      idleMs: 2_400_000,
      sleepsAt: Date.now() + 1_559_000,
    });
    const tracker = buildView({
      name: "tracking",
      type: "tracker",
      title: "MLflow",
      state: "asleep",
    });
    pages.server.pages.set("/", () => buildIndexPage({ project, workloads: [lab], owner: true }));
    pages.server.show(lab);
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    const rows = page.getByRole("listitem");
    await expect
      .poll(() => rows.first().textContent())
      .toMatch(/Sleeps in 2[45] min, after 40 min without use/);
    expect(await page.getByRole("link", { name: "Open notebook" }).getAttribute("href")).toBe(
      "http://127.0.0.1:8471/lab",
    );

    pages.server.show(tracker, lab);
    await expect
      .poll(() => page.locator('[data-part="name"]').allTextContents())
      .toEqual(["tracking", "notebook"]);
    expect(await page.locator('[data-part="summary"]').innerText()).toBe("1 awake, 1 asleep");

    pages.server.onChange = () => pages.server.show({ ...tracker, state: "waking", since: started + 1 }, lab);
    await page.getByRole("button", { name: "Wake tracking" }).click();
    await expect
      .poll(() => page.getByRole("progressbar", { name: "Progress of tracking" }).isVisible())
      .toBe(true);
    expect(await page.getByRole("status").filter({ hasText: "tracking" }).textContent()).toBe(
      "tracking: Waking",
    );

    const dialog = page.getByRole("dialog", { name: "Put notebook to sleep?" });
    await page.getByRole("button", { name: "Sleep notebook" }).click();
    await dialog.getByRole("button", { name: "Keep awake" }).click();
    await page.getByRole("button", { name: "Sleep notebook" }).click();
    await page.keyboard.press("Escape");
    expect(pages.server.changes).toEqual([{ change: "wake", workload: "tracking" }]);
    pages.server.onChange = () =>
      pages.server.show({ ...lab, state: "sleeping", since: started + 1, phase: "Saving files" });
    await page.getByRole("button", { name: "Sleep notebook" }).click();
    await dialog.getByRole("button", { name: "Put to sleep" }).click();
    await expect.poll(() => rows.allTextContents()).toEqual([expect.stringContaining("Saving files")]);
    expect(pages.server.changes.at(-1)).toEqual({ change: "sleep", workload: "notebook" });

    pages.server.show();
    await expect.poll(() => page.getByRole("heading", { name: "Nothing here yet" }).isVisible()).toBe(true);
  });

  test("a sleep that is announced counts down, is told to a screen reader once, and a button puts it off", async () => {
    const idleMs = 2_400_000;
    const lab = buildView({
      state: "awake",
      idleMs,
      sleepsAt: Date.now() + 3_000_000,
      lastUse: { at: Date.now() - 120_000, source: "a cell ran in train.ipynb" },
      saved: buildSaved({ savedAt: Date.now() - 130_000 }),
    });
    const sleepsAt = Date.now() + 3_000_000; // so far off that no machine is too slow for this test
    const lastUse = { at: sleepsAt - idleMs, source: "a cell ran in train.ipynb" };
    const announced = { ...lab, announced: true, sleepsAt, lastUse };
    pages.server.onChange = () => pages.server.show(lab);
    const builds = {
      "/index": () => buildIndexPage({ project, workloads: [lab], owner: false }),
      "/waking": () => buildWakingPage(lab, { project }),
    };
    for (const [path, build] of Object.entries(builds)) {
      pages.server.pages.set(path, build);
      pages.server.show(lab);
      const page = await newPage();
      await page.goto(pages.server.origin + path);
      const main = page.getByRole("main");
      await expect
        .poll(() => main.innerText(), pollPatience)
        .toContain("Last use: a cell ran in train.ipynb, 2 min ago");
      expect(await main.innerText()).toContain("Saved 2 min ago");
      expect(await page.getByRole("button", { name: "Keep it awake" }).isVisible()).toBe(false);

      pages.server.show(announced);
      const told = page.getByRole("status").filter({ hasText: "will sleep within a minute" });
      await told.waitFor();
      const notice = page.locator('[data-part="notice-text"]');
      await expect
        .poll(() => notice.textContent(), pollPatience)
        .toMatch(/^Jupyter Lab will sleep in \d+ min(?: \d+ s)? because nobody uses it\.$/);
      const before = await notice.textContent();
      await expect.poll(() => notice.textContent(), pollPatience).not.toBe(before);
      pages.server.changes.splice(0);
      await page.getByRole("button", { name: "Keep it awake" }).click();
      await expect.poll(() => notice.isVisible(), pollPatience).toBe(false);
      expect(pages.server.changes).toEqual([{ change: "awake", workload: "notebook" }]);
      if (path === "/index") {
        await expect
          .poll(() => page.getByRole("button", { name: "Sleep notebook" }).isDisabled(), pollPatience)
          .toBe(false);
      }

      // Awake as long as it may be: no use can put that off, so no button says that it could.
      pages.server.show({ ...announced, idleMs: null });
      await expect.poll(() => notice.textContent(), pollPatience).toContain("as long as it may be");
      expect(await page.getByRole("button", { name: "Keep it awake" }).isVisible()).toBe(false);
      await page.close();
    }
  });

  test("what is not saved is named; the list is kept as it is read, and changes with the news", async () => {
    const files = [{ path: "film.mp4", why: "120 MB, more than 100 MB" }];
    const lab = buildView({ state: "awake", saved: buildSaved({ setAside: { count: 1, files } }) });
    pages.server.pages.set("/", () => buildIndexPage({ project, workloads: [lab], owner: true }));
    pages.server.show(lab);
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    await page.getByText("1 file is not saved").click();
    const items = page.locator(".aside li");
    await expect
      .poll(() => items.allInnerTexts(), pollPatience)
      .toEqual(["film.mp4: 120 MB, more than 100 MB"]);
    const more = { count: 30, files: [...files, { path: "<b>key</b>", why: "AWS secret access key" }] };
    const problem = {
      kind: "unreachable" as const,
      message: "the repository cannot be reached.",
      since: started,
    };
    pages.server.show({
      ...lab,
      saved: buildSaved({ setAside: more, problem, owedSince: Date.now() - 1 }),
    });
    await expect
      .poll(() => items.allInnerTexts(), pollPatience)
      .toEqual(["film.mp4: 120 MB, more than 100 MB", "<b>key</b>: AWS secret access key", "and 28 more"]);
    expect(await page.getByRole("listitem").first().innerText()).toMatch(
      /Not saved since \d\d:\d\d: the repository cannot be reached; files are safe on this machine\./,
    );
  });

  test("F22: who came while it went to sleep is taken along as soon as it is awake again", async () => {
    let view = buildView({ state: "sleeping", phase: "saving" });
    pages.server.pages.set("/", () => buildWakingPage(view, { project, follows: true }));
    pages.server.pages.set("/lab", () => "<!doctype html><title>lab</title><h1>Lab</h1>");
    pages.server.show(view);
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    await expect.poll(() => page.locator('[data-part="phase"]').textContent(), pollPatience).toBe("saving");
    view = { ...view, state: "awake" };
    pages.server.show(view);
    await page.waitForURL(`${pages.server.origin}/lab`);
  });

  test("F1: a lost gateway shows a banner until it is back, an ended session says so", async () => {
    const view = buildView({ state: "asleep" });
    pages.server.pages.set("/", () => buildIndexPage({ project, workloads: [view], owner: true }));
    pages.server.show(view);
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    const banner = page.locator('[data-part="banner"]');
    await expect.poll(() => loads("/_sesta/events")).toBe(1);
    pages.server.behave = { stream: false, state: 502 };
    pages.server.drop();
    await expect.poll(() => banner.textContent(), pollPatience).toContain("Connection to the gateway lost");
    expect(await page.getByRole("listitem").count()).toBe(1);
    pages.server.behave = { stream: true, state: 200 };
    await expect.poll(() => banner.isVisible(), pollPatience).toBe(false);
    await expect.poll(() => loads("/_sesta/events")).toBe(2);

    pages.server.behave = { stream: false, state: 401 };
    pages.server.drop();
    await expect
      .poll(() => banner.textContent(), pollPatience)
      .toBe("This browser is no longer logged in. Log in again");
  });

  test("the login page counts down before it lets anyone try again", async () => {
    pages.server.pages.set("/", () => buildLoginPage({ project, next: "/", retryAfterSeconds: 2 }));
    const page = await newPage();
    await page.goto(`${pages.server.origin}/`);
    const button = page.getByRole("button");
    await expect.poll(() => button.textContent()).toMatch(/^Wait [12] s$/);
    expect(await button.isDisabled()).toBe(true);
    await expect.poll(() => button.textContent(), pollPatience).toBe("Log in");
    expect(await page.getByRole("alert").textContent()).toBe("You can try again now.");
  });
});

function buildView(change: Partial<WorkloadView> = {}): WorkloadView {
  return buildExample({ since: started, ...change });
}
