// One real Chromium for a test file, with a watch over what its pages report.
import { setTimeout } from "node:timers/promises";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { chromiumArguments } from "./chromium.ts";

export type Watched = {
  page: Page;
  /** Errors and policy violations that the page reported. */
  complaints: string[];
  close(): Promise<void>;
};

export async function createBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: chromiumArguments });
}

/** A page in a context of its own. */
export async function createPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy|Uncaught|Refused/.test(message.text())) complaints.push(message.text());
  });
  // Chromium may never answer where a page is on its way elsewhere; the end of the browser ends it then.
  const close = (): Promise<void> => Promise.race([context.close(), setTimeout(20_000, undefined)]);
  return { page, complaints, close };
}
