// The stream of states: a change that comes while a message is being written is told by the next one.
import { randomBytes } from "node:crypto";
import { Hono } from "hono";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { buildView } from "../../test/support/views.ts";
import type { Snapshot } from "../model/view.ts";
import type { State } from "../model/words.ts";
import { events } from "./events.ts";
import { createGate } from "./gate.ts";
import type { Household } from "./household.ts";
import { createSessions } from "./session.ts";
import type { Env } from "./site-context.ts";
import { createTickets } from "./ticket.ts";
import { ownerVersion } from "./visitor.ts";

// The stream's own keep-alive stands still: only a change can make it speak.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout"] }));
afterEach(() => void vi.useRealTimers());

test("a change during a message is not lost", async () => {
  const clock = createFakeClock();
  const listeners = new Set<() => void>();
  let state: State = "awake";
  const change = (to: State) => {
    state = to;
    listeners.forEach((listener) => listener());
  };
  const household: Household = {
    project: "vision-team",
    list: () => [buildView({ state })],
    find: () => undefined,
    address: () => undefined,
    secretOf: () => undefined,
    passwords: () => new Map(),
    admitsPrograms: () => false,
    hasRunToken: () => false,
    earlierWakesMs: () => [],
    wake: () => Promise.resolve(),
    sleep: () => Promise.resolve(),
    keepAwake: async () => undefined,
    used: () => {},
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    now() {
      // Asked for once in each message: what is scheduled here happens while that message is written.
      if (state === "awake") queueMicrotask(() => change("sleeping"));
      else if (state === "sleeping") queueMicrotask(() => change("asleep"));
      return clock.now();
    },
  };
  const sessions = createSessions({ key: randomBytes(32), clock });
  const gate = createGate({ clock, passwords: household.passwords });
  const site = { household, sessions, gate, tickets: createTickets(clock), encrypted: false };
  const app = new Hono<Env>().get("/events", (c) => events(c, site));
  const owner = { owner: true } as const;
  const cookie = sessions.setCookie(owner, sessions.issue(owner, ownerVersion)).split(";", 1)[0] ?? "";

  const { body } = await app.request("/events", { headers: { cookie } });
  if (!body) throw new Error("no stream");
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const seen: State[] = [];
  for (let text = ""; seen.at(-1) !== "asleep";) {
    text += (await reader.read()).value ?? "";
    const messages = text.split("\n\n");
    text = messages.pop() ?? "";
    for (const message of messages) seen.push(...statesOf(message));
  }
  expect(seen).toEqual(["awake", "sleeping", "asleep"]);
  await reader.cancel();
});

function statesOf(message: string): State[] {
  const data = message.replace(/^data: /, "");
  return (JSON.parse(data) as Snapshot).workloads.map(({ state }) => state);
}
