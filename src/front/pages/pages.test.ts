// The HTML of the pages: golden files, and that nothing which comes from outside becomes markup.
import { describe, expect, test } from "vitest";
import { readOutline } from "../../../test/support/html-outline.ts";
import { buildHostileFacts, buildView, exampleNow, exampleViews } from "../../../test/support/views.ts";
import { xssPayloads } from "../../../test/support/xss-payloads.ts";
import { buildIndexPage } from "./index-page.ts";
import { buildLoginPage } from "./login-page.ts";
import { buildMessagePage } from "./message-page.ts";
import { buildWakingPage } from "./waking-page.ts";

// Times of the day are the reader's own: here, everybody's.
process.env["TZ"] = "UTC";
const project = "vision-team";
const now = exampleNow;
const all = Object.entries(exampleViews).map(([name, view]) => ({ ...view, name }));

const pages: Record<string, () => string> = {
  login: () => buildLoginPage({ project, workload: "notebook", next: "/lab/tree/a.ipynb" }),
  "login-wrong": () => buildLoginPage({ project, next: "//evil.test", problem: "Wrong password." }),
  "login-wait": () => buildLoginPage({ project, next: "/", retryAfterSeconds: 11.2 }),
  message: () =>
    buildMessagePage({
      project,
      title: "Gone",
      message: "It is gone.",
      hint: "Look elsewhere.",
      link: { label: "Back", path: "/" },
    }),
  "waking-at-gateway": () =>
    buildWakingPage(buildView({ url: "http://127.0.0.1:8471" }), { project, atGateway: true, now }),
  "waking-deep-link": () => buildWakingPage(buildView(), { project, next: "/lab/tree/a.ipynb" }),
  ...Object.fromEntries(
    [
      "waking",
      "unknown",
      "late",
      "asleep",
      "sleeping",
      "failed",
      "absent",
      "awake",
      "announced",
      "held",
      "aside",
    ].map((name) => [
      `waking-${name}`,
      () => buildWakingPage(exampleViews[name] ?? buildView(), { project, now }),
    ]),
  ),
  "waking-sleeping-asked": () =>
    buildWakingPage(exampleViews["sleeping"] ?? buildView(), { project, now, follows: true }),
  index: () => buildIndexPage({ project, workloads: all, owner: true, now }),
  "index-empty-owner": () => buildIndexPage({ project, workloads: [], owner: true }),
  "index-empty-visitor": () => buildIndexPage({ project, workloads: [], owner: false }),
};

describe("golden pages", () => {
  test.each(Object.entries(pages))("%s", async (name, build) => {
    const page = build().replaceAll(/\/assets\/[0-9a-f]{16}\//g, "/assets/HASH/");
    await expect(page).toMatchFileSnapshot(`../../../test/golden/pages/${name}.html`);
    expect(readOutline(page).at(-1)).toBe("</html>");
  });
});

describe("T14: fifty payloads in every string of every page change no tag and no attribute", () => {
  const builds: Record<string, (text: string) => string> = {
    login: (text) => buildLoginPage({ project: text, workload: text, next: text, problem: text }),
    message: (text) =>
      buildMessagePage({
        project: text,
        title: text,
        message: text,
        hint: text,
        link: { label: text, path: text },
      }),
    waking: (text) => buildWakingPage(fill(text, "waking"), { project: text, next: text, now }),
    failed: (text) => buildWakingPage(fill(text, "failed"), { project: text, atGateway: true, now }),
    awake: (text) => buildWakingPage(fill(text, "awake"), { project: text, atGateway: true, now }),
    announced: (text) =>
      buildWakingPage({ ...fill(text, "awake"), announced: true, sleepsAt: now + 9_000 }, { project, now }),
    index: (text) =>
      buildIndexPage({
        project: text,
        workloads: [fill(text, "waking"), fill(text, "failed"), fill(text, "absent"), fill(text, "awake")],
        owner: true,
        now,
      }),
  };

  test.each(Object.entries(builds))("%s", (_name, build) => {
    expect(xssPayloads).toHaveLength(50);
    const plain = readOutline(build("plain text"));
    for (const payload of xssPayloads) expect(readOutline(build(payload)), payload).toEqual(plain);
  });

  test("the comparison sees a tag and an attribute", () => {
    const page = buildLoginPage({ project: "MARK", next: "/" });
    expect(readOutline(page.replace("MARK", "<b>x</b>"))).not.toEqual(readOutline(page));
    expect(() => readOutline(page.replace("MARK", "<b onclick=x>"))).toThrow("not plain HTML");
  });

  test("only http and https addresses become links", () => {
    for (const url of xssPayloads) {
      const page = buildIndexPage({
        project,
        workloads: [buildView({ state: "awake", url, home: url })],
        owner: true,
      });
      expect(page).not.toMatch(/href="(?!\/_sesta\/)/);
    }
  });
});

test("a page has no inline script, style or handler, and asks no other host", () => {
  for (const build of Object.values(pages)) {
    const outline = readOutline(build());
    expect(outline.filter((tag) => /<style|\sstyle|\son[a-z]+/.test(tag))).toEqual([]);
    expect(outline.filter((tag) => tag.startsWith("<script"))).toEqual(["<script type src>"]);
    expect(build()).not.toMatch(/(?:src|href|action)="(?:https?:)?\/\/(?!127\.0\.0\.1:)/);
  }
});

function fill(
  text: string,
  state: "waking" | "failed" | "absent" | "awake",
): Parameters<typeof buildWakingPage>[0] {
  return buildView({
    state,
    name: text,
    title: text,
    why: text,
    phase: text,
    logTail: [text, `before ${text} after`],
    home: text,
    url: text,
    ...buildHostileFacts(text),
  });
}
