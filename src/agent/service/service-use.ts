// Whether a service that is awake is used: requests, and those in flight.
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { AgentEvent } from "../../model/agent-protocol.ts";
import type { AgentState, Supervised } from "../../state/agent-state.ts";
import { createUse, type Use } from "../idle.ts";
import { createUseRecord } from "../use-record.ts";

export type ServiceUse = {
  use: Use;
  /** A request came; as often as requests come. */
  note(): void;
  end(): void;
};

export type ServiceUseContext = {
  clock: Clock;
  log: Log;
  state: AgentState;
  send: (event: AgentEvent) => void;
};

export type ServiceUseEvents = {
  /** What it cannot sleep for now. */
  goingOn(): readonly string[];
  sleep(why: string): void;
  changed(): void;
};

const source = "requests";
const noteEveryMs = 250;

export function attendService(
  { clock, log, state, send }: ServiceUseContext,
  { name, launch, since }: Supervised,
  on: ServiceUseEvents,
): ServiceUse {
  const over = new AbortController();
  const record = createUseRecord({
    clock,
    state,
    workload: name,
    closed: (use) => send({ use }),
    failed: (error) => log.error("use not recorded", { workload: name, error: messageOf(error) }),
  });
  const use = createUse(clock, launch.idle, since, record);
  use.hold(state.hold(name)?.until ?? null);
  const sleep = (why: string): boolean => {
    if (on.goingOn().length > 0) return false;
    on.sleep(why);
    return true;
  };
  const collect = async () => on.goingOn().map((what) => ({ source: what, at: "now" as const }));
  void use.watch({ collect, sleep, changed: on.changed }, over.signal);
  let notedAt = -Infinity;
  return {
    use,
    note() {
      const now = clock.monotonic();
      if (now - notedAt < noteEveryMs) return;
      notedAt = now;
      use.note(source);
    },
    end: () => over.abort(),
  };
}
