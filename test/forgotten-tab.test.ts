// A tab that nobody touches: its polls, its keep-alives and its saved layout neither keep a lab awake nor wake it.
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser } from "./support/browser.ts";
import { findChromium } from "./support/chromium.ts";
import { createExampleProject, findMissingLab, type ExampleProject } from "./support/example-project.ts";

const chromium = findChromium();
const missing = "missing" in chromium ? chromium.missing : findMissingLab();
if (missing !== "") console.warn(`forgotten-tab.test.ts is skipped: ${missing}`);

/** More than twice as long as the 10 s after which an untouched JupyterLab writes by itself. */
const idle = "25s";

describe.skipIf(missing !== "")("a forgotten tab", { timeout: 240_000 }, () => {
  let project: ExampleProject;
  let browser: Browser;
  let page: Page;
  const writes: string[] = [];

  beforeAll(async () => {
    if ("executablePath" in chromium) browser = await createBrowser(chromium.executablePath);
    project = await createExampleProject(idle);
    page = await browser.newPage();
    await page.goto(`${project.lab}/lab`);
    await page.getByLabel("Password").fill(project.password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click({ timeout: 60_000 });
    await page.getByText("Python 3 (ipykernel) | Idle").waitFor({ timeout: 60_000 });
  });
  afterAll(async () => {
    await browser?.close();
    await project?.end();
  });

  test("lets the lab fall asleep, though it goes on writing", async () => {
    page.on("request", (request) => {
      if (request.method() !== "GET") writes.push(`${request.method()} ${new URL(request.url()).pathname}`);
    });
    const { why } = await project.until("notebook", ({ state }) => state === "asleep", 200_000);
    expect(why).toMatch(/^No use for 25 s/);
    // Without these the test would show nothing; another kind of write would have to be judged anew.
    expect(new Set(writes)).toEqual(new Set(["PUT /lab/api/workspaces/default"]));
  });

  test("T1: does not wake it again", async () => {
    const refused: string[] = [];
    page.on("response", (answer) => void (answer.status() === 503 && refused.push(answer.url())));
    await expect.poll(() => refused.length, { timeout: 120_000 }).toBeGreaterThanOrEqual(6);
    expect((await project.workload("notebook")).state).toBe("asleep");
    const { events } = JSON.parse((await project.sesta(["history", "--json"])).stdout);
    expect(events.filter(({ to }: { to: string }) => to === "waking")).toHaveLength(1);
  });
});
