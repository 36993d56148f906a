// The fleet before a scripted agent: which addresses it keeps, what it keeps of use, and how it asks for sleepers.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { buildStubLaunch } from "../../test/faults/support/stub-launch.ts";
import { buildStubReport } from "../../test/support/views.ts";
import { systemClock } from "../base/clock.ts";
import { SestaError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import type { AgentEvent } from "../model/agent-protocol.ts";
import type { Report, UseSpan } from "../model/status.ts";
import { openProjectState } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";
import { createFleet } from "./fleet.ts";

const span = (seq: number): UseSpan => ({
  seq,
  workload: "lab",
  source: "a kernel is busy",
  from: seq,
  to: seq + 1,
});

async function createRig(first: Report) {
  const folder = mkdtempSync(join(tmpdir(), "sesta-fleet-"));
  const state = openProjectState(join(folder, "state.db"));
  state.saveWorkload({
    name: "lab",
    type: "lab",
    target: "local",
    launch: buildStubLaunch("lab"),
    digest: "",
    placedAt: 1,
  });
  const stop = new AbortController();
  const agent = {
    now: first,
    doors: 0,
    door: true,
    uses: [] as UseSpan[],
    calls: [] as string[],
    send: (_event: AgentEvent): void => undefined,
    goAway: (): void => undefined,
    /** Why its machine cannot be reached. */
    away: undefined as Error | undefined,
    waking: undefined as Promise<Report> | undefined,
  };
  const answers: Record<string, (params: { after: number; kind?: string }) => unknown> = {
    list: () => [agent.now],
    uses: ({ after }) => agent.uses.filter(({ seq }) => seq > after),
    use: ({ kind }) => void agent.calls.push(`use ${kind}`),
  };
  async function* watch(): AsyncGenerator<AgentEvent> {
    const waiting: AgentEvent[] = [{ report: agent.now }];
    let [wakeUp, ended] = [(): void => undefined, false];
    agent.send = (event) => {
      waiting.push(event);
      wakeUp();
    };
    agent.goAway = () => {
      ended = true;
      wakeUp();
    };
    for (;;) {
      for (let event = waiting.shift(); event; event = waiting.shift()) yield event;
      if (ended) return;
      await new Promise<void>((resolve) => (wakeUp = resolve));
    }
  }
  const target = {
    name: "local",
    remote: true,
    door: async () => (agent.door ? { host: "127.0.0.1", port: ++agent.doors, headers: {} } : null),
    async wake() {
      agent.calls.push("wake");
      return agent.waking ?? agent.now;
    },
    agent: {
      ensure: async () => {
        if (agent.away) throw agent.away;
        return { instance: "one" };
      },
      call: async (method: string, params: { after: number }) => answers[method]?.(params),
      watch,
    },
  } as unknown as Target;
  const targets = { get: () => target, of: () => target, inUse: () => [target] };
  const fleet = createFleet({ targets, state, clock: systemClock, log: silentLog, signal: stop.signal });
  const following = fleet.follow();
  await fleet.ready;
  onTestFinished(async () => {
    stop.abort();
    agent.goAway();
    await following;
    state.close();
    rmSync(folder, { recursive: true });
  });
  const report = async (change: Partial<Report>): Promise<void> => {
    agent.now = { ...agent.now, ...change };
    agent.send({ report: agent.now });
    await expect.poll(() => fleet.find("lab")).toEqual(agent.now);
  };
  return { agent, state, fleet, report };
}

const awake = buildStubReport("lab");
const away = new SestaError("SSH_CONNECTION", "box cannot be reached: No route to host");

test("a machine that is away: what was awake is shown as failed with the reason, and without its address, until it is back", async () => {
  const { agent, fleet } = await createRig(awake);
  agent.away = away;
  agent.goAway();
  await expect
    .poll(() => fleet.find("lab"))
    .toMatchObject({ state: "failed", why: `Nothing is known of it: ${away.message}`, pid: null });
  expect(fleet.address("lab")).toBeUndefined();
  const since = fleet.find("lab")?.since;
  fleet.nudge();
  await expect.poll(() => fleet.find("lab")?.since).toBe(since);
  agent.away = undefined;
  fleet.nudge();
  await expect.poll(() => fleet.find("lab")).toEqual(awake);
  expect(fleet.address("lab")?.port).toBe(2);
});

test("of one that was forgotten nothing is kept, though its agent says nothing: another may come up under its name", async () => {
  const { state, fleet } = await createRig(awake);
  state.deleteWorkload("lab");
  fleet.nudge();
  expect([fleet.find("lab"), fleet.address("lab")]).toEqual([undefined, undefined]);
});

test("one that slept when its machine went away sleeps on", async () => {
  const asleep = { ...awake, state: "asleep", open: false, pid: null } as const;
  const { agent, fleet } = await createRig(asleep);
  agent.away = away;
  agent.goAway();
  const changes: unknown[] = [];
  fleet.onChange(() => changes.push(1));
  await expect.poll(() => changes.length).toBeGreaterThan(0);
  expect(fleet.find("lab")).toEqual(asleep);
});

test("a wake whose machine has to be woken first shows as one, and so does its failure", async () => {
  const { agent, fleet } = await createRig({ ...awake, state: "asleep", open: false, pid: null });
  let fail: (error: Error) => void = () => undefined;
  agent.waking = new Promise((_, reject) => (fail = reject));
  expect(await fleet.wake("lab", "why", "visitor")).toMatchObject({
    state: "waking",
    phase: "waits for local to answer",
  });
  agent.away = away;
  agent.goAway();
  await fleet.wake("lab", "why", "visitor");
  expect([fleet.find("lab")?.state, agent.calls]).toEqual(["waking", ["wake"]]);
  fail(away);
  await expect.poll(() => fleet.find("lab")).toMatchObject({ state: "failed", why: away.message });
});

test("F22: the address is kept while requests may pass, and no longer; a new process has a new one", async () => {
  const { fleet, report } = await createRig(awake);
  const port = () => fleet.address("lab")?.port;
  expect(port()).toBe(1);
  await report({ state: "sleeping", open: true });
  expect(port()).toBe(1);
  await report({ open: false });
  expect(port()).toBeUndefined();
  await report({ state: "awake", open: true });
  expect(port()).toBe(2);
  await report({ pid: 4712 });
  expect(port()).toBe(3);
});

test("one that goes to sleep is shown so, also when its process has just gone", async () => {
  const { agent, fleet, report } = await createRig({ ...awake, state: "asleep", open: false, pid: null });
  agent.door = false;
  await report({ state: "sleeping", open: true });
  expect(fleet.address("lab")).toBeUndefined();
});

test("F22: the agent is asked for one that goes to sleep, not for one that is awake", async () => {
  const { agent, fleet, report } = await createRig(awake);
  await fleet.wake("lab", "why", "visitor");
  expect(agent.calls).toEqual([]);
  await fleet.keepAwake("lab", "somebody asked", "visitor");
  expect(agent.calls).toEqual(["use visit"]);
  await report({ state: "sleeping" });
  await fleet.wake("lab", "why", "visitor");
  await fleet.keepAwake("lab", "somebody asked", "visitor");
  expect(agent.calls).toEqual(["use visit", "wake", "wake"]);
});

test("spans of use are kept as they come, and what came while nobody listened is asked for", async () => {
  const { agent, state, report } = await createRig(awake);
  const kept = () => state.listUses("lab").map(({ seq }) => seq);
  await report({ why: "the stream is open" });
  agent.uses = [span(1)];
  agent.send({ use: span(1) });
  await expect.poll(kept).toEqual([1]);
  agent.uses = [1, 2, 3].map(span);
  agent.goAway();
  await expect.poll(kept).toEqual([1, 2, 3]);
});

test("a service is shown awake though no address leads through the gateway: its port is its own", async () => {
  const service = { release: 1, port: 8080, replicas: [] };
  const { fleet, agent } = await createRig({ ...buildStubReport("lab"), service });
  agent.door = false;
  expect(fleet.find("lab")?.state).toBe("awake");
  expect(fleet.address("lab")).toBeUndefined();
  expect(agent.doors).toBe(0);
});
