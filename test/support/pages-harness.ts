// Everything that a browser test of the pages needs: one Chromium, and for each test a server and fresh pages.
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { WorkloadView } from "../../src/model/view.ts";
import { createBrowser, createPage } from "./browser.ts";
import type { Watched } from "./browser.ts";
import { findChromium } from "./chromium.ts";
import { createPagesServer } from "./pages-server.ts";
import type { PagesServer } from "./pages-server.ts";
import { buildHostileFacts, buildView } from "./views.ts";

const chromium = findChromium();

/** Why browser tests cannot run here; "" when they can. */
export const missingChromium = "missing" in chromium ? chromium.missing : "";

export const project = "vision-team";

export type PagesHarness = {
  readonly server: PagesServer;
  newPage(options?: BrowserContextOptions): Promise<Page>;
  /** Forgets what pages complained of so far; else a complaint fails the test. */
  forgive(): void;
};

/** Call it inside a `describe`: it registers the hooks. After each test no page may have reported an error. */
export function usePages(): PagesHarness {
  let browser: Browser;
  let server: PagesServer;
  let open: Watched[] = [];

  beforeAll(async () => {
    if ("executablePath" in chromium) browser = await createBrowser(chromium.executablePath);
  }, 60_000);
  afterAll(() => browser.close());
  beforeEach(async () => {
    server = await createPagesServer();
  });
  afterEach(async () => {
    const complaints = open.flatMap((one) => one.complaints);
    await Promise.all(open.map((one) => one.close()));
    open = [];
    await server.close();
    expect(complaints).toEqual([]);
  });

  return {
    get server() {
      return server;
    },
    async newPage(options = {}) {
      const watched = await createPage(browser, options);
      open.push(watched);
      return watched.page;
    },
    forgive() {
      for (const one of open) one.complaints.splice(0);
    },
  };
}

/** A view full of one hostile string. */
export function buildHostileView(payload: string): WorkloadView {
  return buildView({
    state: "failed",
    title: payload,
    why: payload,
    phase: payload,
    logTail: [payload, `before ${payload} after`],
    home: payload,
    url: payload,
    ...buildHostileFacts(payload),
  });
}
