// Attends a workload that is awake: judges whether it is used, keeps the record of that, and notices when it ends.
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Identity } from "../machine/identity.ts";
import type { Machine } from "../machine/machine.ts";
import type { AgentEvent, DoorAddress } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { AgentState, Start, Supervised } from "../state/agent-state.ts";
import { createEvidence } from "./evidence/evidence.ts";
import { createUse, type Evidence, type SleepCause, type Use } from "./idle.ts";
import { watchLife } from "./life.ts";
import { createUseRecord } from "./use-record.ts";

export type AttendanceContext = {
  clock: Clock;
  log: Log;
  machine: Machine;
  state: AgentState;
  send: (event: AgentEvent) => void;
};

export type Attended = {
  /** As it is now: its rules may change while it is awake. */
  workload: () => Supervised;
  start: Start;
  identity: Identity;
  address: () => DoorAddress;
};

export type AttendanceEvents = {
  /** False when it cannot be done now. */
  sleep(why: string, cause: SleepCause): boolean;
  changed(): void;
  /** It lived long enough to be trusted. */
  proven(): void;
  ended(): void;
};

export type Attendance = {
  use: Use;
  /** Looks once more: what the watch has not seen. */
  collect: () => Promise<Evidence[]>;
};

/** Until the signal aborts, it sleeps, or it ends. */
export function attend(
  { clock, log, machine, state, send }: AttendanceContext,
  { workload, start, identity, address }: Attended,
  { sleep, changed, proven, ended }: AttendanceEvents,
  signal: AbortSignal,
): Attendance {
  const { name, launch, since } = workload();
  const record = createUseRecord({
    clock,
    state,
    workload: name,
    closed: (use) => send({ use }),
    failed: (error) => log.error("use not recorded", { workload: name, error: messageOf(error) }),
  });
  const use = createUse(clock, launch.idle, since, record);
  use.hold(state.hold(name)?.until ?? null);
  const look = createEvidence({ machine, clock });
  const collect = () =>
    look({ launch: workload().launch, places: workload().places, identity, startId: start.startId, address });
  void use.watch({ collect, sleep, changed }, signal);
  void watchLife(clock, identity, signal, { proven, ended });
  return { use, collect: async () => use.listNew(await collect()) };
}

/** What a report says of it; of a workload that is not attended, nothing. */
export function describeUse(use: Use | undefined): Pick<Report, "lastUse" | "sleepsAt" | "announced"> {
  if (!use) return { lastUse: null, sleepsAt: null, announced: false };
  return {
    lastUse: use.last(),
    sleepsAt: use.sleepsAt(),
    announced: use.cause() === "idle" && use.announced(),
  };
}
