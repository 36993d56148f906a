// A team's day in a real browser: log in, wake, run a cell, sleep, and find the notebook again. Real JupyterLab, real Chromium.
import type { Browser, BrowserContext, ConsoleMessage, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createBrowser } from "./support/browser.ts";
import { findChromium } from "./support/chromium.ts";
import { createExampleProject, findMissingLab, type ExampleProject } from "./support/example-project.ts";

const chromium = findChromium();
const missing = "missing" in chromium ? chromium.missing : findMissingLab();
if (missing !== "") console.warn(`lab-browser.test.ts is skipped: ${missing}`);

const patience = { timeout: 30_000, interval: 50 };

describe.skipIf(missing !== "")("a lab in Chromium", { timeout: 90_000 }, () => {
  let project: ExampleProject;
  let browser: Browser;
  /** What Sesta's own pages, scripts and answers complained of. */
  const complaints: string[] = [];
  /** Every Referer that was sent. */
  const referers = new Set<string>();

  beforeAll(async () => {
    if ("executablePath" in chromium) browser = await createBrowser(chromium.executablePath);
    project = await createExampleProject();
  });
  afterAll(async () => {
    await browser?.close();
    await project?.end();
  });

  async function newContext(): Promise<BrowserContext> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.on("console", (message) => void (isSestas(message) && complaints.push(message.text())));
    context.on(
      "weberror",
      (error) => void (isSestasPage(error.page()) && complaints.push(String(error.error()))),
    );
    context.on("request", (request) => {
      const { referer } = request.headers();
      if (referer !== undefined) referers.add(referer);
    });
    context.setDefaultTimeout(30_000);
    return context;
  }

  async function logIn(page: Page): Promise<void> {
    await page.getByLabel("Password").fill(project.password);
    await page.getByRole("button", { name: "Log in" }).click();
  }

  const state = async () => (await project.workload("notebook")).state;
  const heading = (page: Page) => page.getByRole("heading", { level: 1 }).textContent();

  describe("a visitor with the password", () => {
    let page: Page;
    beforeAll(async () => {
      page = await (await newContext()).newPage();
    });

    test("is asked for it, and a wrong one is refused", async () => {
      await page.goto(`${project.lab}/lab`);
      expect(new URL(page.url()).pathname).toBe("/_sesta/login");
      await page.getByLabel("Password").fill("wrong");
      await page.getByRole("button", { name: "Log in" }).click();
      await expect.poll(() => page.getByRole("alert").textContent(), patience).toContain("Wrong password.");
      expect(await state()).toBe("asleep");
    });

    test("wakes the lab by coming in: the page shows the progress and moves on by itself", async () => {
      const seen = watchWords(page);
      await logIn(page);
      await untilLab(page);
      expect(new URL(page.url()).pathname).toBe("/lab");
      expect(await seen()).toContain("Waking Jupyter Lab");
      expect(await state()).toBe("awake");
    });

    test("opens a notebook from the launcher, runs a cell, sees its output, saves", async () => {
      await page.locator('.jp-LauncherCard[data-category="Notebook"]').first().click();
      // JupyterLab drops what is run before its kernel is there.
      await page.getByText("Python 3 (ipykernel) | Idle").waitFor();
      const cell = page.locator(".jp-Notebook .jp-CodeCell").first();
      await cell.locator(".cm-content").click();
      await page.keyboard.type("print('made in the browser', 6 * 7)");
      await page.keyboard.press("Shift+Enter");
      await expect
        .poll(() => cell.locator(".jp-OutputArea-output").allTextContents(), patience)
        .toEqual(["made in the browser 42\n"]);
      await page.keyboard.press("Control+s");
      const dialog = page.getByRole("dialog");
      await dialog.getByRole("textbox").fill("first.ipynb");
      await dialog.getByRole("button", { name: "Rename and Save" }).click();
      await expect.poll(readNotebook, patience).toContain("made in the browser 42");
    });

    test("puts it to sleep on the project's page, after being asked", async () => {
      const index = await page.context().newPage();
      await index.goto(`${project.gateway}/`);
      const row = index.locator('[data-workload="notebook"]');
      await expect.poll(() => row.locator('[data-part="word"]').textContent(), patience).toBe("Awake");

      await row.getByRole("button", { name: "Sleep notebook" }).click();
      await index.getByRole("button", { name: "Keep awake" }).click();
      expect(await state()).toBe("awake");

      await row.getByRole("button", { name: "Sleep notebook" }).click();
      await index.getByRole("button", { name: "Put to sleep" }).click();
      await expect.poll(() => row.locator('[data-part="word"]').textContent(), patience).toBe("Asleep");
      expect((await project.workload("notebook")).why).toBe("Put to sleep with the button of a page.");
      await index.close();
    });

    test("T1: the open tab asks on and on, and does not wake it", async () => {
      const refused: string[] = [];
      page.on("response", (answer) => void (answer.status() === 503 && refused.push(answer.url())));
      await expect.poll(() => refused.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(2);
      await page.waitForTimeout(4_000);
      expect(await state()).toBe("asleep");
      page.removeAllListeners("response");
    });

    test("reloads: the waking page, then the lab with the notebook and its output", async () => {
      page.on("dialog", (dialog) => void dialog.accept());
      const seen = watchWords(page);
      await page.reload();
      await untilLab(page);
      expect(await seen()).toContain("Waking Jupyter Lab");
      expect(await readNotebook()).toContain("made in the browser 42");
      await page.goto(`${project.lab}/lab/tree/first.ipynb`);
      const output = page.locator(".jp-Notebook .jp-OutputArea-output").first();
      await expect.poll(() => output.textContent(), patience).toBe("made in the browser 42\n");
      await page.context().close();
    });
  });

  test("`?pass=` in the address bar: the page loses it from there, waits, and moves on, logged in", async () => {
    await sleep();
    const page = await (await newContext()).newPage();
    const answer = await page.goto(`${project.gateway}/v1/start?pass=${project.password}`, {
      waitUntil: "commit",
    });
    expect(answer?.status()).toBe(200);
    await expect.poll(() => page.url().includes(project.password), patience).toBe(false);
    await untilLab(page);
    expect(page.url()).toBe(`${project.lab}/lab`);
    await page.goBack();
    expect(page.url()).not.toContain(project.password);
    await page.context().close();
  });

  test("by way of localhost, too", async () => {
    const page = await (await newContext()).newPage();
    const { port } = new URL(project.gateway);
    await page.goto(`http://localhost:${port}/v1/start?pass=${project.password}`);
    await expect.poll(() => heading(page), patience).toBe("Jupyter Lab is awake");
    await page.getByRole("link", { name: "Open" }).click();
    await untilLab(page);
    expect(new URL(page.url()).hostname).toBe("localhost");
    await page.context().close();
  });

  test("`sesta open` makes a browser the owner's, once; the project's page follows every change by itself", async () => {
    const { code, stdout } = await project.sesta(["open", "--print"]);
    expect(code).toBe(0);
    const url = stdout.trim();
    const page = await (await newContext()).newPage();
    await page.goto(url);
    expect(page.url()).toBe(`${project.gateway}/`);
    let loads = 0;
    page.on("load", () => (loads += 1));
    const word = page.locator('[data-workload="notebook"] [data-part="word"]');
    await expect.poll(() => word.textContent(), patience).toBe("Awake");
    await sleep();
    await expect.poll(() => word.textContent(), patience).toBe("Asleep");
    await page.getByRole("button", { name: "Wake notebook" }).click();
    await expect.poll(() => word.textContent(), patience).toBe("Awake");
    expect(loads).toBe(0);

    const second = await (await newContext()).newPage();
    const refused = await second.goto(url);
    expect(refused?.status()).toBe(403);
    expect(await heading(second)).toBe("This link was used already");
    await second.goto(`${project.lab}/lab`);
    expect(new URL(second.url()).pathname).toBe("/_sesta/login");
    await second.context().close();

    const straight = (await project.sesta(["open", "notebook", "--print"])).stdout.trim();
    const third = await (await newContext()).newPage();
    await third.goto(straight);
    await untilLab(third);
    expect(third.url()).toBe(`${project.lab}/lab`);
    await third.context().close();
    await page.context().close();
  });

  test("T4: Sesta's own pages complained of nothing, and no Referer told more than an origin", () => {
    expect(complaints).toEqual([]);
    expect([...referers]).toContain(`${project.gateway}/`);
    expect([...referers].filter((referer) => referer.includes(project.password))).toEqual([]);
    expect([...referers].filter((referer) => referer.startsWith(project.gateway))).toEqual([
      `${project.gateway}/`,
    ]);
  });

  async function sleep(): Promise<void> {
    const { code, stderr } = await project.sesta(["sleep", "notebook"]);
    if (code !== 0) throw new Error(stderr);
  }

  function readNotebook(): Promise<string> {
    return project.read("notebook/first.ipynb").then(
      (text) => JSON.stringify(JSON.parse(text)),
      () => "",
    );
  }
});

/** JupyterLab has come up: its main menu is there. */
async function untilLab(page: Page): Promise<void> {
  await page.locator("#jp-MainMenu").waitFor({ timeout: 60_000 });
}

/** Every first-level heading that shows from now on, over all loads of the page. */
function watchWords(page: Page): () => Promise<string[]> {
  const words = new Set<string>();
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      const text = await page
        .locator("h1")
        .first()
        .textContent({ timeout: 100 })
        .catch(() => null);
      if (text !== null) words.add(text.trim());
      await page.waitForTimeout(10);
    }
  })();
  return async () => {
    over.abort();
    await watching;
    return [...words];
  };
}

/** That a page was answered with 403 or 503 is how a door speaks; Chromium notes it for every such load. */
function isSestas(message: ConsoleMessage): boolean {
  if (message.type() !== "error" && message.type() !== "warning") return false;
  if (/^Failed to load resource: .* status of (401|403|503) /.test(message.text())) return false;
  return (
    new URL(message.location().url || "about:blank").pathname.startsWith("/_sesta/") ||
    isSestasPage(message.page())
  );
}

function isSestasPage(page: Page | null): boolean {
  const { pathname, href } = new URL(page?.url() ?? "about:blank");
  return (
    pathname.startsWith("/_sesta/") ||
    pathname.startsWith("/v1/") ||
    pathname === "/" ||
    href === "about:blank"
  );
}
