// Keeps one workload in the state that is wanted: starts it, judges whether it is used, ends it, adopts what it finds.
import { randomUUID } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { messageOf, SestaError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { getBootId, type Identity } from "../machine/identity.ts";
import type { AgentEvent, Asked, DoorAddress } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { AgentState, Start, Supervised } from "../state/agent-state.ts";
import type { BootLane } from "./boot-lane.ts";
import { freePort } from "./free-port.ts";
import { createUse, type Use } from "./idle.ts";
import type { ProcessRunner } from "./process.ts";
import { watchLife } from "./life.ts";
import { StateRecord } from "./state-record.ts";

export type SupervisorContext = {
  clock: Clock;
  log: Log;
  state: AgentState;
  runner: ProcessRunner;
  lane: BootLane;
  send: (event: AgentEvent) => void;
};

const tries = 3;
const backoffMs = [500, 2_000];
/** After something that nobody expected, such as a full disk, the same is tried again. */
const mendMs = 5_000;

export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #record: StateRecord;
  #identity: Identity | null = null;
  #wanted: "awake" | "asleep";
  #askedBy = "agent";
  #failures = 0;
  #logTail: readonly string[] = [];
  #use: Use | null = null;
  #activity = new AbortController();
  /** Why the process is started again: it ended by itself, and what it left has not been cleared away yet. */
  #ended: string | null = null;
  #settling = false;
  #left = new AbortController();

  constructor(context: SupervisorContext, workload: Supervised) {
    this.#context = context;
    this.#record = new StateRecord(context, workload, () => ({
      pid: this.#identity?.pid ?? null,
      lastUse: this.#use?.last() ?? null,
      sleepsAt: this.#use?.sleepsAt() ?? null,
      logTail: this.#logTail,
    }));
    this.#wanted = workload.state === "waking" || workload.state === "awake" ? "awake" : "asleep";
  }

  get name(): string {
    return this.#record.workload.name;
  }

  get state(): State {
    return this.#record.workload.state;
  }

  report(): Report {
    return this.#record.report();
  }

  /** Finds out what an earlier agent left, and goes on from there. */
  async adopt(): Promise<void> {
    const { state, start, launch } = this.#record.workload;
    if (state === "failed") this.#logTail = await this.#context.runner.logTail(this.name);
    if (state !== "waking" && state !== "awake" && state !== "sleeping") return;
    if (start && start.bootId !== (await getBootId())) {
      this.#wanted = "asleep";
      this.#record.change("asleep", "The machine was restarted.", "agent", null);
    } else if (state === "awake") {
      this.#identity = (start && (await this.#context.runner.find(start))) ?? null;
      if (this.#identity) this.#watchUse();
      else this.#ended = `${launch.title} had ended while nobody watched; it is started again.`;
    }
    this.#settle();
  }

  door(): DoorAddress | null {
    const { state, start, launch } = this.#record.workload;
    return state === "awake" && start ? this.#context.runner.door(launch, start) : null;
  }

  /**
   * A start that is under way, or done, is not begun again; one that fails is the answer to everybody who asked.
   * @throws SestaError DISK_FULL, STATE_FOLDER when the change cannot be kept; nothing has changed then
   */
  wake({ why, by }: Asked): Report {
    if (this.state === "asleep" || this.state === "failed") {
      this.#logTail = [];
      this.#record.change("waking", why, by, null);
      this.#failures = 0;
    }
    this.#wanted = "awake";
    this.#askedBy = by;
    this.#settle();
    return this.report();
  }

  /** @throws as `wake` */
  sleep({ why, by }: Asked): Report {
    if (this.state === "waking" || this.state === "awake") {
      this.#record.change("sleeping", why, by);
      this.#activity.abort();
    }
    this.#wanted = "asleep";
    this.#askedBy = by;
    this.#settle();
    return this.report();
  }

  used(source: string): void {
    this.#use?.note(source);
  }

  /** What to run and when to sleep from now on; what runs is not touched until it is started again. */
  replace(launch: Supervised["launch"], places: Supervised["places"]): void {
    this.#record.save({ ...this.#record.workload, launch, places });
    this.#use?.setRule(launch.idle);
    if (this.state !== "failed") return;
    this.#logTail = [];
    this.#record.change("asleep", "It was brought up again and waits to be woken.", "owner", null);
  }

  /** Stops watching; what runs goes on. */
  leave(): void {
    this.#left.abort();
    this.#activity.abort();
  }

  // One at a time does all that has effects, so that no two of them ever meet.
  #settle(): void {
    if (this.#settling) return;
    this.#settling = true;
    void this.#reconcile();
  }

  async #reconcile(): Promise<void> {
    const { log, clock } = this.#context;
    for (;;) {
      try {
        const step = this.#nextStep();
        if (!step || this.#left.signal.aborted) return void (this.#settling = false);
        await step();
      } catch (error) {
        log.error("supervisor", { workload: this.name, error: messageOf(error) });
        this.#record.show(messageOf(error), null);
        await clock.sleep(mendMs, this.#left.signal).catch(() => undefined);
      }
    }
  }

  #nextStep(): (() => Promise<void>) | undefined {
    const { state } = this;
    const ended = this.#ended;
    if (state === "waking" && this.#wanted === "awake")
      return () => (ended === null ? this.#bringUp() : this.#clear());
    if (state === "waking" || state === "sleeping") return () => this.#takeDown();
    if (state === "awake" && ended !== null) return async () => this.#record.change("waking", ended, "agent");
    if (state !== "asleep" || this.#wanted !== "awake") return undefined;
    return async () => {
      this.#record.change("waking", "It was asked for while it went to sleep.", this.#askedBy, null);
      this.#failures = 0;
    };
  }

  async #bringUp(): Promise<void> {
    const activity = this.#begin();
    const queued = (before: number) =>
      this.#record.show(`waits for its turn; ${before} others are before it`, null);
    try {
      await this.#context.lane.run(() => this.#start(activity), activity, queued);
    } catch (error) {
      return activity.aborted ? undefined : this.#tryFailed(error, activity);
    }
    if (activity.aborted) return;
    this.#record.change("awake", `${this.#record.workload.launch.title} answers.`, this.#askedBy);
    this.#watchUse();
  }

  async #start(activity: AbortSignal): Promise<void> {
    const { launch, places } = this.#record.workload;
    const start = this.#record.workload.start ?? (await this.#newStart());
    activity.throwIfAborted();
    await this.#context.runner.start(launch, places, start, activity, {
      started: (identity) => (this.#identity = identity),
      progress: (phase, progress) => this.#record.show(phase, progress),
    });
  }

  async #tryFailed(reason: unknown, activity: AbortSignal): Promise<void> {
    const { runner, clock, log } = this.#context;
    this.#logTail = isLasting(reason) ? [] : await runner.logTail(this.name);
    await this.#stopLeftovers();
    if (activity.aborted) return; // asked to sleep meanwhile
    this.#failures += 1;
    log.warn("start failed", { workload: this.name, try: this.#failures, error: messageOf(reason) });
    this.#record.forgetStart();
    if (isLasting(reason)) return this.#fail(withHint(reason));
    if (this.#failures >= tries) return this.#fail(`${messageOf(reason)} (${tries} tries)`);
    this.#record.show(`try ${this.#failures} of ${tries} failed: ${messageOf(reason)}`, null);
    await clock.sleep(backoffMs[this.#failures - 1] ?? 0, activity).catch(() => undefined);
  }

  #fail(reason: string): void {
    this.#record.change("failed", reason, "agent", null);
    this.#wanted = "asleep";
  }

  // Written before the process exists, so that a kill in between leaves something to look for.
  async #newStart(): Promise<Start> {
    const start = { startId: randomUUID(), port: await freePort(), bootId: await getBootId() };
    this.#record.save({ ...this.#record.workload, start });
    return start;
  }

  async #takeDown(): Promise<void> {
    this.#begin();
    this.#use = null;
    await this.#stopLeftovers();
    this.#ended = null;
    this.#record.change("asleep", this.#record.workload.why, this.#askedBy, null);
  }

  async #stopLeftovers(): Promise<void> {
    const { start, launch } = this.#record.workload;
    if (start) await this.#context.runner.stop(launch, start, (phase) => this.#record.show(phase, null));
    this.#identity = null;
  }

  #watchUse(): void {
    const activity = this.#begin();
    const { clock, runner } = this.#context;
    const { launch, start, since } = this.#record.workload;
    const identity = this.#identity;
    if (!start || !identity) return;
    const use = createUse(clock, launch.idle, since);
    this.#use = use;
    this.#record.tell();
    void use.watch(
      {
        collect: () => runner.evidence(this.#record.workload.launch, start),
        sleep: (why) => this.#sleepIfPossible(why),
        changed: () => this.#record.tell(),
      },
      activity,
    );
    void watchLife(clock, identity, activity, {
      proven: () => (this.#failures = 0),
      ended: () => {
        this.#use = null;
        this.#ended = `${launch.title} ended by itself; it is started again.`;
        this.#settle();
      },
    });
  }

  #sleepIfPossible(why: string): boolean {
    try {
      this.sleep({ name: this.name, why, by: "agent" });
      return true;
    } catch (error) {
      this.#context.log.error("cannot sleep", { workload: this.name, error: messageOf(error) });
      return false;
    }
  }

  async #clear(): Promise<void> {
    const activity = this.#begin();
    this.#logTail = await this.#context.runner.logTail(this.name);
    await this.#stopLeftovers();
    if (activity.aborted) return; // asked to sleep meanwhile
    this.#ended = null;
    this.#failures += 1;
    this.#record.forgetStart();
    if (this.#failures >= tries)
      this.#fail(`${this.#record.workload.launch.title} kept ending by itself (${tries} times)`);
  }

  /** One activity at a time: what went on before is told to end. */
  #begin(): AbortSignal {
    this.#activity.abort();
    this.#activity = new AbortController();
    return this.#activity.signal;
  }
}

/** What another try cannot cure. */
function isLasting(error: unknown): error is SestaError {
  return error instanceof SestaError && error.code !== "START_FAILED";
}

function withHint({ message, hint }: SestaError): string {
  return hint === undefined ? message : `${message}. ${hint}`;
}
