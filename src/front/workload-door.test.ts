// A workload's door while its workload goes to sleep: what passes, what counts as use, and what wakes it again.
import { request } from "node:http";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { startHttpBackend } from "../../test/support/door.ts";
import { buildView } from "../../test/support/views.ts";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { WorkloadView } from "../model/view.ts";
import { createGate } from "./gate.ts";
import type { Household } from "./household.ts";
import { createSessions } from "./session.ts";
import { createTickets } from "./ticket.ts";
import { createWorkloadDoor } from "./workload-door.ts";

type Answer = { status: number; body: string };

const passwords = new Map([["team_pass", { hash: "none", version: 7 }]]);
const navigation = {
  accept: "text/html",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
  "sec-fetch-site": "none",
};

/** What was asked of the household, in order. */
let asked: string[];
let reached: string[];
let view: WorkloadView;
let address: DoorAddress | undefined;
let port: number;
let cookie: string;

beforeEach(async () => {
  [asked, reached, address] = [[], [], undefined];
  view = buildView({ state: "sleeping", phase: "saving" });
  const backend = await startHttpBackend((incoming, response) => {
    reached.push(`${incoming.method} ${incoming.url}`);
    incoming.resume().once("end", () => response.end("Jupyter"));
  });
  const note = (what: string) => async (name: string, why: string, by: string) =>
    void asked.push(`${what} ${name}: ${why} (${by})`);
  const household: Household = {
    project: "vision-team",
    list: () => [view],
    find: (name) => (name === view.name ? view : undefined),
    address: () => address && { ...address, port: backend.port },
    secretOf: () => "team_pass",
    passwords: () => passwords,
    admitsPrograms: () => false,
    hasRunToken: () => false,
    earlierWakesMs: () => [],
    wake: note("wake"),
    sleep: note("sleep"),
    keepAwake: note("awake"),
    used: (name, _source, kind) => void asked.push(`used ${name} (${kind})`),
    onChange: () => () => undefined,
    now: () => systemClock.now(),
  };
  const sessions = createSessions({ key: Buffer.alloc(32, 1), clock: systemClock, scope: "test" });
  const subject = { workload: view.name };
  cookie = sessions.setCookie(subject, sessions.issue(subject, 7)).split(";", 1)[0] ?? "";
  const door = createWorkloadDoor({
    household,
    gate: createGate({ clock: systemClock, passwords: () => passwords }),
    sessions,
    tickets: createTickets(systemClock),
    encrypted: false,
    workload: view.name,
    hosts: new Set(["127.0.0.1"]),
    clock: systemClock,
    log: silentLog,
  });
  port = await door.listen(0, "127.0.0.1");
  onTestFinished(() => door.close());
});

const open = (): void => void (address = { host: "127.0.0.1", port: 0, headers: {} });
const origin = () => `http://127.0.0.1:${port}`;
const here = () => ({ origin: origin(), "sec-fetch-site": "same-origin" });

function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(origin() + path, { method, headers: { cookie, ...headers }, agent: false });
    outgoing.once("response", (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (piece) => (text += piece));
      incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, body: text }));
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

describe("F22: going to sleep, its process not being stopped yet", () => {
  beforeEach(open);

  test("a write reaches it and is told as a change", async () => {
    const answer = await ask("/api/contents/a.ipynb", { method: "PUT", headers: here(), body: "{}" });
    expect(answer).toEqual({ status: 200, body: "Jupyter" });
    expect(asked).toEqual(["used notebook (change)"]);
  });

  test("a navigation reaches it, is told as a visit, and asks that it is awake again", async () => {
    expect((await ask("/lab", { headers: navigation })).body).toBe("Jupyter");
    expect(asked).toEqual(["used notebook (visit)", "wake notebook: Somebody opened its page. (visitor)"]);
  });

  test("an open tab goes on asking and saving its layout: that reaches it, and is nothing to anybody", async () => {
    await ask("/api/contents?content=1");
    await ask("/lab/api/workspaces/default?1", { method: "PUT", headers: here(), body: "{}" });
    await ask("/lab", { method: "HEAD", headers: navigation });
    await ask("/lab", { headers: { ...navigation, "sec-purpose": "prefetch" } });
    expect(reached).toHaveLength(4);
    expect(asked).toEqual([]);
  });

  test("awake, a visit is a visit and no wake request", async () => {
    view = buildView({ state: "awake" });
    await ask("/lab", { headers: navigation });
    expect(asked).toEqual(["used notebook (visit)"]);
  });
});

describe("F22: going to sleep, its process being stopped", () => {
  test("a navigation gets the page, which moves on by itself, and asks that it is awake again", async () => {
    const { status, body } = await ask("/lab/tree/a.ipynb", { headers: navigation });
    expect(status).toBe(503);
    expect(body).toContain("Jupyter Lab is going to sleep");
    expect(body).toMatch(/<body[^>]* data-follows=""/);
    expect(asked).toEqual(["wake notebook: Somebody opened its page. (visitor)"]);
  });

  test("T1: what is no navigation is told the state and wakes nothing", async () => {
    const looks = [
      ask("/api/contents"),
      ask("/lab", { method: "HEAD", headers: navigation }),
      ask("/lab", { headers: { ...navigation, purpose: "prefetch" } }),
      ask("/api/contents/a.ipynb", { method: "PUT", headers: here(), body: "{}" }),
    ];
    for (const { status } of await Promise.all(looks)) expect(status).toBe(503);
    expect(JSON.parse((await ask("/api/contents")).body)).toMatchObject({ state: "sleeping" });
    expect([asked, reached]).toEqual([[], []]);
  });
});

test("F22: what a door has not heard yet its agent knows: a navigation to what wakes or is awake is told", async () => {
  for (const state of ["waking", "awake"] as const) {
    view = buildView({ state });
    expect((await ask("/lab", { headers: navigation })).status).toBe(503);
    await ask("/lab", { headers: { ...navigation, purpose: "prefetch" } });
  }
  expect(asked).toEqual(["used notebook (visit)", "used notebook (visit)"]);
});

describe("the button that keeps it awake", () => {
  const json = { "content-type": "application/json", "x-sesta": "1" };
  const post = (headers: Record<string, string>, workload = "notebook") =>
    ask("/_sesta/awake", { method: "POST", headers, body: JSON.stringify({ workload }) });

  test("works for whoever is logged in, from the script and from a plain form", async () => {
    expect((await post({ ...here(), ...json })).status).toBe(200);
    const form = { ...here(), "content-type": "application/x-www-form-urlencoded" };
    const answer = await ask("/_sesta/awake", {
      method: "POST",
      headers: form,
      body: "workload=notebook&next=%2Flab",
    });
    expect(answer.status).toBe(303);
    const keeps = "awake notebook: somebody asked on a page that it stays awake (visitor)";
    expect(asked).toEqual([keeps, keeps]);
  });

  test("T7: is refused to strangers, to other origins, and for other workloads", async () => {
    expect((await post({ ...here(), ...json, cookie: "" })).status).toBe(403);
    expect((await post({ ...here(), ...json, origin: "http://127.0.0.1:1" })).status).toBe(403);
    expect((await post({ ...here(), ...json, "sec-fetch-site": "same-site" })).status).toBe(403);
    expect((await post({ ...here(), "content-type": "application/json" })).status).toBe(403);
    expect((await post({ ...here(), ...json }, "another")).status).toBe(403);
    expect(asked).toEqual([]);
  });
});

test("the state that pages ask for says when it sleeps, what it was used for, and how far its saves are", async () => {
  const lastUse = { at: 1, source: "a cell ran in <b>.ipynb" };
  view = buildView({
    state: "awake",
    announced: true,
    sleepsAt: 5,
    lastUse,
    hold: { until: 9, reason: "x" },
  });
  const { workloads } = JSON.parse((await ask("/_sesta/state")).body);
  expect(workloads).toEqual([view]);
});
