// The gateway's wake endpoint and the wake function of a cloud, asked the same: they answer the same.
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { createGate } from "../src/front/gate.ts";
import type { Household } from "../src/front/household.ts";
import { hashPassword } from "../src/front/password.ts";
import type { Door } from "../src/front/proxy/door.ts";
import { createSessions } from "../src/front/session.ts";
import { createTickets } from "../src/front/ticket.ts";
import { readEvent, toResult } from "../src/functions/lambda-event.ts";
import { buildMark } from "../src/functions/ready-mark.ts";
import { createWakeFunction, type WakeFunction } from "../src/functions/wake-function.ts";
import { CloudProblem, type SeenMachine, type WakeMachine } from "../src/functions/wake-machine.ts";
import { createFrontPage } from "../src/gateway/front-page.ts";
import { buildWakeVariables } from "../src/model/wake-function.ts";
import type { State } from "../src/model/words.ts";
import { ask, type AskOptions } from "./support/ask.ts";
import { buildEvent, type Request } from "./support/lambda.ts";
import { buildView } from "./support/views.ts";

const password = "the-team's-pass";
const form = { "content-type": "application/x-www-form-urlencoded" };
const noneFree = "AWS has no machine of its type free right now";
const launchedAt = Date.now() - 60_000;
const mark = buildMark({ bootId: "b", at: launchedAt + 1, fingerprint: "AB" });

/** The gateway is one for all of these tests, which guess often. */
const unheld = {
  blockedMs: () => 0,
  holdMs: () => 0,
  countSource() {},
  countAccount() {},
  forgive() {},
  size: () => 0,
};

/** How the workload is when it is asked for, and the same of its machine. */
type Situation = { state: State; machine: Partial<SeenMachine> | undefined; refused?: boolean };
const situations = {
  asleep: { state: "asleep", machine: { state: "stopped" } },
  waking: { state: "waking", machine: { state: "running" } },
  sleeping: { state: "sleeping", machine: { state: "stopping" } },
  awake: { state: "awake", machine: { state: "running", mark } },
  absent: { state: "absent", machine: undefined },
  failed: { state: "failed", machine: { state: "stopped" }, refused: true },
} as const satisfies Record<string, Situation>;

const bearer = { authorization: `Bearer ${password}` };
const requests: Readonly<Record<string, Request>> = {
  "the right password": { query: `pass=${password}` },
  "as Bearer": { headers: bearer },
  "as a form": { method: "POST", headers: form, body: `password=${password}` },
  HEAD: { method: "HEAD", headers: bearer },
  "a preview": { headers: { ...bearer, "user-agent": "Slackbot-LinkExpanding 1.0" } },
  "a prefetch": { headers: { ...bearer, "sec-purpose": "prefetch" } },
  "no password": {},
  "an empty one": { query: "pass=" },
  two: { query: `pass=${password}&pass=${password}` },
  "a wrong one": { query: "pass=wrong" },
};

let now: Situation;
let passwordHash: string;
let door: Door;
let port: number;
let wake: WakeFunction;

beforeAll(async () => {
  passwordHash = await hashPassword(password);
  const passwords = new Map([["team", { hash: passwordHash, version: 1 }]]);
  const view = () => ({
    ...buildView({ state: now.state, since: Date.now(), why: noneFree }),
    url: "https://203.0.113.10:8443",
  });
  const household: Household = {
    project: "vision-team",
    list: () => [view()],
    find: (name) => (name === "notebook" ? view() : undefined),
    address: () => undefined,
    secretOf: (name) => (name === "notebook" ? "team" : undefined),
    passwords: () => passwords,
    admitsPrograms: () => false,
    hasRunToken: () => false,
    earlierWakesMs: () => [],
    async wake() {
      if (now.state === "asleep") now = situations.waking;
    },
    sleep: async () => undefined,
    keepAwake: async () => undefined,
    used: () => undefined,
    onChange: () => () => undefined,
    now: () => Date.now(),
  };
  const site = {
    household,
    gate: createGate({ clock: systemClock, passwords: () => passwords, attempts: unheld }),
    sessions: createSessions({ key: Buffer.alloc(32, 1), clock: systemClock, scope: "test" }),
    tickets: createTickets(systemClock),
    encrypted: false,
  };
  door = createFrontPage(site, new Set(["203.0.113.10"]), systemClock, silentLog);
  port = await door.listen(0, "127.0.0.1");
});
afterAll(() => door.close());

function startFunction(): void {
  const machine: WakeMachine = {
    look: async () =>
      now.machine && { state: "running", host: "203.0.113.10", launchedAt, mark: undefined, ...now.machine },
    async start() {
      if (now.refused) throw new CloudProblem("InsufficientInstanceCapacity", noneFree, false);
    },
    mark: async () => undefined,
    unmark: async () => undefined,
  };
  const variables = buildWakeVariables({
    workload: "notebook",
    title: "Jupyter Lab",
    home: "/lab",
    idleMs: 2_400_000,
    port: 8443,
    domain: "203.0.113.10",
    passwordHash,
    readyKey: "none",
    allow: ["203.0.113.0/24"],
  });
  wake = createWakeFunction({ variables, machine, clock: systemClock, log: silentLog });
}

const said = ["content-type", "cache-control", "referrer-policy", "x-content-type-options", "retry-after"];
const lower = (headers: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      said.includes(name.toLowerCase()) ? [[name.toLowerCase(), value]] : [],
    ),
  );

async function askGateway(path: string, { query = "", ...request }: Request) {
  const options: AskOptions = { ...request, headers: { host: "203.0.113.10", ...request.headers } };
  if (request.body !== undefined)
    options.headers = { ...options.headers, "content-length": String(request.body.length) };
  const asked = await ask(`http://127.0.0.1:${port}/v1${path}?${query}`, options);
  return { status: asked.status, headers: lower(asked.headers), body: asked.body };
}

async function askFunction(path: string, request: Request) {
  const result = toResult(await wake(readEvent(buildEvent(path, request))));
  return { status: result.statusCode, headers: lower(result.headers), body: result.body };
}

const isLook = ({ method, headers }: Request) =>
  method === "HEAD" || headers?.["user-agent"] !== undefined || headers?.["sec-purpose"] !== undefined;

const own = ["/start", "/notebook/start"];
/** Asked for by these only: what costs the slow hash each time. */
const strange = new Set(["as Bearer", "no password"]);

for (const [name, situation] of Object.entries(situations))
  test(`${name}: the same to the byte`, async () => {
    startFunction();
    let asked = 0;
    for (const [what, request] of Object.entries(requests))
      for (const path of strange.has(what) ? [...own, "/nobody/start"] : own) {
        // What has failed is remembered by the gateway; of a function that has just begun, a try makes it so.
        if (name === "failed" && isLook(request)) continue;
        if (name === "failed") startFunction();
        now = situation;
        const answer = await askFunction(path, { ...request, from: `203.0.113.${(asked += 1)}` });
        now = situation;
        expect(answer, `${what} at ${path}`).toEqual(await askGateway(path, request));
      }
  });
