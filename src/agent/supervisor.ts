// Keeps one workload in the state that is wanted: starts it, judges whether it is used, ends it, adopts what it finds.
import { randomUUID } from "node:crypto";
import { messageOf, SestaError } from "../base/errors.ts";
import { getBootId, type Identity } from "../machine/identity.ts";
import type { Asked, DoorAddress, UseKind } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { Start, Supervised } from "../state/agent-state.ts";
import type { BootLane } from "./boot-lane.ts";
import { freePort } from "./free-port.ts";
import { attend, type Attendance, type AttendanceContext } from "./attendance.ts";
import { Departure, type DepartureCause } from "./departure.ts";
import type { ProcessRunner } from "./process.ts";
import type { Saved, Saver } from "./save/saver.ts";
import { StateRecord, type Details } from "./state-record.ts";

export type SupervisorContext = AttendanceContext & {
  runner: ProcessRunner;
  lane: BootLane;
  createSaver: (saved: Saved, tell: () => void) => Saver;
};

const tries = 3;
const backoffMs = [500, 2_000];
/** After something that nobody expected, such as a full disk, the same is tried again. */
const mendMs = 5_000;

export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #record: StateRecord;
  readonly #departure: Departure;
  #identity: Identity | null = null;
  #wanted: "awake" | "asleep";
  #askedBy = "agent";
  #failures = 0;
  #logTail: readonly string[] = [];
  #attendance: Attendance | null = null;
  #saver: Saver | null = null;
  #activity = new AbortController();
  /** Why the process is started again: it ended by itself, and what it left has not been cleared away yet. */
  #ended: string | null = null;
  #settling = false;
  #left = new AbortController();

  constructor(context: SupervisorContext, workload: Supervised) {
    this.#context = context;
    this.#departure = new Departure(context.clock);
    this.#record = new StateRecord(context, workload, () => this.#details());
    this.#wanted = workload.state === "waking" || workload.state === "awake" ? "awake" : "asleep";
    this.#setSaver();
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
    } else if (state !== "waking") {
      this.#identity = (start && (await this.#context.runner.find(start))) ?? null;
      if (state === "sleeping") this.#departure.begin("asked", this.#identity !== null);
      else if (this.#identity) this.#attend();
      else this.#ended = `${launch.title} had ended while nobody watched; it is started again.`;
    }
    this.#settle();
  }

  door(): DoorAddress | null {
    const { start, launch } = this.#record.workload;
    return this.#isOpen() && start ? this.#context.runner.door(launch, start) : null;
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
    this.#departure.forget();
    if (this.state === "sleeping") this.#activity.abort(); // what can be taken back ends at once
    this.#settle();
    return this.report();
  }

  /** @throws as `wake` */
  sleep({ why, by }: Asked, cause: DepartureCause = "asked"): Report {
    if (this.state === "waking" || this.state === "awake") {
      const open = this.state === "awake" && this.#identity !== null;
      this.#departure.begin(cause, open);
      this.#record.change("sleeping", why, by);
      this.#activity.abort();
    }
    this.#wanted = "asleep";
    this.#askedBy = by;
    this.#settle();
    return this.report();
  }

  /** Somebody came through the front door. A frame of an open page proves nothing where the kernels can be asked. */
  used(source: string, kind: UseKind): void {
    if (kind === "frame" && this.#record.workload.launch.idle.evidence === "jupyter") return;
    this.#attendance?.use.note(source);
    if (this.state === "sleeping" && this.#departure.yieldsToUse)
      this.wake({ name: this.name, why: `${source} while it went to sleep`, by: "visitor" });
  }

  /** Keeps it awake, waking it first; null lets go. @throws as `wake` */
  hold(asked: Asked, forMs: number | null, reason: string | null): Report {
    const { clock, state } = this.#context;
    const hold = forMs === null ? null : { until: clock.now() + forMs, reason };
    if (hold) this.wake(asked);
    state.setHold(this.name, hold);
    if (this.state === "awake") this.#record.note(asked.why, asked.by);
    this.#attendance?.use.hold(hold?.until ?? null);
    this.#record.tell();
    return this.report();
  }

  /** @throws SestaError UNSUPPORTED for a workload whose workspace is saved nowhere */
  get saver(): Saver {
    if (this.#saver) return this.#saver;
    throw new SestaError("UNSUPPORTED", `${this.name} is saved nowhere`, {
      hint: "Give it `save: { repo: … }` in sesta.yaml and run `sesta up`.",
    });
  }

  /** What to run and when to sleep from now on; what runs is not touched until it is started again. */
  replace(launch: Supervised["launch"], places: Supervised["places"]): void {
    this.#record.save({ ...this.#record.workload, launch, places });
    this.#attendance?.use.setRule(launch.idle);
    this.#setSaver();
    if (this.state !== "failed") return;
    this.#logTail = [];
    this.#record.change("asleep", "It was brought up again and waits to be woken.", "owner", null);
  }

  /** Stops watching and saving; what runs goes on. */
  leave(): void {
    this.#left.abort();
    this.#activity.abort();
    this.#saver?.close();
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
    if (state === "sleeping" && this.#departure.open)
      return this.#wanted === "awake" ? async () => this.#stay() : () => this.#depart();
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
    this.#attend();
  }

  async #start(activity: AbortSignal): Promise<void> {
    const { launch, places } = this.#record.workload;
    await this.#saver?.prepare(places.disk, activity);
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

  // Whoever comes meanwhile finds it as it was.
  async #depart(): Promise<void> {
    const activity = this.#begin();
    const { places, since, why } = this.#record.workload;
    const collect = async () => this.#attendance?.collect() ?? [];
    const show = (phase: string) => this.#record.show(phase, null);
    const leaving = { saver: this.#saver, disk: places.disk, since, collect, show };
    const outcome = await this.#departure.prepare(leaving, activity);
    if (activity.aborted) return;
    if (outcome.kind === "ready") return this.#departure.close();
    this.#wanted = "awake";
    if (outcome.kind === "used") return this.#stay(`It is used again: ${outcome.by}.`);
    this.#stay(`It cannot sleep yet and stays awake: ${outcome.what}.`);
    this.#departure.postpone(why);
  }

  #stay(why = "It was asked for while it went to sleep."): void {
    this.#record.change("awake", why, this.#askedBy);
    this.#attend();
  }

  async #takeDown(): Promise<void> {
    this.#begin();
    this.#attendance = null;
    this.#departure.close();
    await this.#stopLeftovers();
    await this.#saver?.saveHere().catch(() => undefined); // what it wrote at its end; the report says what failed
    this.#ended = null;
    this.#record.change("asleep", this.#record.workload.why, this.#askedBy, null);
  }

  async #stopLeftovers(): Promise<void> {
    const { start, launch } = this.#record.workload;
    if (start) await this.#context.runner.stop(launch, start, (phase) => this.#record.show(phase, null));
    this.#identity = null;
  }

  #attend(): void {
    const activity = this.#begin();
    const { runner } = this.#context;
    const { start, launch } = this.#record.workload;
    const identity = this.#identity;
    if (!start || !identity) return;
    const workload = () => this.#record.workload;
    const address = () => runner.door(launch, start);
    const on = {
      sleep: (why: string, cause: DepartureCause) => this.#sleepIfPossible(why, cause),
      changed: () => this.#record.tell(),
      proven: () => (this.#failures = 0),
      ended: () => {
        this.#attendance = null;
        this.#ended = `${launch.title} ended by itself; it is started again.`;
        this.#settle();
      },
    };
    this.#attendance = attend(this.#context, { workload, start, identity, address }, on, activity);
    this.#record.tell();
  }

  #sleepIfPossible(why: string, cause: DepartureCause): boolean {
    try {
      this.sleep({ name: this.name, why, by: "agent" }, cause);
      return true;
    } catch (error) {
      this.#context.log.error("cannot sleep", { workload: this.name, error: messageOf(error) });
      return false;
    }
  }

  #setSaver(): void {
    const { launch, places } = this.#record.workload;
    const { save: rule } = launch;
    if (!rule) {
      this.#saver?.close();
      this.#saver = null;
    } else if (this.#saver) this.#saver.setRule(rule);
    else {
      const saved = { name: this.name, workspace: places.workspace, rule };
      this.#saver = this.#context.createSaver(saved, () => this.#saverChanged());
      this.#saver.keep();
    }
  }

  #saverChanged(): void {
    this.#record.tell();
    if (!this.#saver || this.state !== "awake") return;
    const why = this.#departure.due(this.#saver, this.#attendance?.use.last().at ?? 0);
    if (why !== undefined) this.#sleepIfPossible(why, "cap");
  }

  #isOpen(): boolean {
    return this.state === "awake" || (this.state === "sleeping" && this.#departure.open);
  }

  #details(): Details {
    const { state, clock } = this.#context;
    const use = this.#attendance?.use;
    const hold = state.hold(this.name);
    return {
      pid: this.#identity?.pid ?? null,
      lastUse: use?.last() ?? null,
      sleepsAt: use?.sleepsAt() ?? null,
      announced: use?.announced() ?? false,
      hold: hold && hold.until > clock.now() ? hold : null,
      open: this.#isOpen(),
      save: this.#saver?.report() ?? null,
      logTail: this.#logTail,
    };
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
