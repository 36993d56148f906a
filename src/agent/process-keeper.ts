// Keeps the process of one workload: starts it in a few tries, has it attended while it is awake, and ends it.
import { randomUUID } from "node:crypto";
import { messageOf, SestaError } from "../base/errors.ts";
import { getBootId, type Identity } from "../machine/identity.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Start } from "../state/agent-state.ts";
import { attend, type Attendance, type AttendanceContext, type AttendanceEvents } from "./attendance.ts";
import type { BootLane } from "./boot-lane.ts";
import { freePort } from "./free-port.ts";
import type { ProcessRunner } from "./process.ts";
import type { StateRecord } from "./state-record.ts";

export type KeeperContext = AttendanceContext & { runner: ProcessRunner; lane: BootLane };

/** "again": it did not come up, and is to be tried once more. */
export type Attempt = "up" | "again" | { failed: string };

const tries = 3;
const backoffMs = [500, 2_000];

export class ProcessKeeper {
  readonly #context: KeeperContext;
  readonly #record: StateRecord;
  #identity: Identity | null = null;
  #attendance: Attendance | null = null;
  #failures = 0;
  #logTail: readonly string[] = [];
  /** Why it is started again: it ended by itself, and what it left has not been cleared away yet. */
  #ended: string | null = null;

  constructor(context: KeeperContext, record: StateRecord) {
    this.#context = context;
    this.#record = record;
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  get attendance(): Attendance | null {
    return this.#attendance;
  }

  get ended(): string | null {
    return this.#ended;
  }

  get logTail(): readonly string[] {
    return this.#logTail;
  }

  door(): DoorAddress | null {
    const { start, launch } = this.#record.workload;
    return start ? this.#context.runner.door(launch, start) : null;
  }

  /** Somebody asks anew: earlier failures do not count. */
  forgive(): void {
    this.#failures = 0;
    this.#logTail = [];
  }

  async readLog(): Promise<void> {
    this.#logTail = await this.#context.runner.logTail(this.#record.workload.name);
  }

  /** Looks for the process of an earlier agent. */
  async find(): Promise<Identity | null> {
    const { start, state, launch } = this.#record.workload;
    this.#identity = (start && (await this.#context.runner.find(start))) ?? null;
    if (state === "awake" && !this.#identity)
      this.#ended = `${launch.title} had ended while nobody watched; it is started again.`;
    return this.#identity;
  }

  /**
   * One try, after what an earlier process left is cleared away. Means nothing when the signal has aborted.
   * @param prepare what must be there first; no other try cures its failure
   */
  async bringUp(prepare: () => Promise<void>, activity: AbortSignal): Promise<Attempt> {
    if (this.#ended !== null) return this.#clear(activity);
    try {
      await prepare();
    } catch (error) {
      return activity.aborted ? "again" : { failed: messageOf(error) };
    }
    const queued = (before: number) =>
      this.#record.show(`waits for its turn; ${before} others are before it`, null);
    try {
      await this.#context.lane.run(() => this.#start(activity), activity, queued);
      return "up";
    } catch (error) {
      return activity.aborted ? "again" : this.#tryFailed(error, activity);
    }
  }

  attend(on: Omit<AttendanceEvents, "proven">, activity: AbortSignal): void {
    const { start, launch } = this.#record.workload;
    const identity = this.#identity;
    if (!start || !identity) return;
    const attended = {
      workload: () => this.#record.workload,
      start,
      identity,
      address: () => this.#context.runner.door(launch, start),
    };
    const events: AttendanceEvents = {
      ...on,
      proven: () => (this.#failures = 0),
      ended: () => {
        this.#attendance = null;
        this.#ended = `${launch.title} ended by itself; it is started again.`;
        on.ended();
      },
    };
    this.#attendance = attend(this.#context, attended, events, activity);
    this.#record.tell();
  }

  async #clear(activity: AbortSignal): Promise<Attempt> {
    await this.readLog();
    await this.stop();
    if (activity.aborted) return "again";
    this.#ended = null;
    this.#failures += 1;
    this.#record.forgetStart();
    const { title } = this.#record.workload.launch;
    return this.#failures < tries ? "again" : { failed: `${title} kept ending by itself (${tries} times)` };
  }

  /** Nothing of it runs when this resolves. */
  async stop(): Promise<void> {
    const { start, launch } = this.#record.workload;
    this.#attendance = null;
    if (start) await this.#context.runner.stop(launch, start, (phase) => this.#record.show(phase, null));
    this.#identity = null;
  }

  /** It is asleep: how its last process ended matters no more. */
  rest(): void {
    this.#ended = null;
  }

  async #start(activity: AbortSignal): Promise<void> {
    const { launch, places, start: earlier } = this.#record.workload;
    const start = earlier ?? (await this.#newStart());
    activity.throwIfAborted();
    await this.#context.runner.start(launch, places, start, activity, {
      started: (identity) => (this.#identity = identity),
      progress: (phase, progress) => this.#record.show(phase, progress),
    });
  }

  // Written before the process exists, so that a kill in between leaves something to look for.
  async #newStart(): Promise<Start> {
    const start = { startId: randomUUID(), port: await freePort(), bootId: await getBootId() };
    this.#record.save({ ...this.#record.workload, start });
    return start;
  }

  async #tryFailed(reason: unknown, activity: AbortSignal): Promise<Attempt> {
    const { clock, log } = this.#context;
    if (isLasting(reason)) this.#logTail = [];
    else await this.readLog();
    await this.stop();
    if (activity.aborted) return "again"; // asked to sleep meanwhile
    this.#failures += 1;
    const { name: workload } = this.#record.workload;
    log.warn("start failed", { workload, try: this.#failures, error: messageOf(reason) });
    this.#record.forgetStart();
    if (isLasting(reason)) return { failed: withHint(reason) };
    if (this.#failures >= tries) return { failed: `${messageOf(reason)} (${tries} tries)` };
    this.#record.show(`try ${this.#failures} of ${tries} failed: ${messageOf(reason)}`, null);
    await clock.sleep(backoffMs[this.#failures - 1] ?? 0, activity).catch(() => undefined);
    return "again";
  }
}

/** What another try cannot cure. */
function isLasting(error: unknown): error is SestaError {
  return error instanceof SestaError && error.code !== "START_FAILED";
}

function withHint({ message, hint }: SestaError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
