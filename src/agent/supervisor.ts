// Keeps one workload in the state that is wanted: wakes it, sends it to sleep, saves it, adopts what it finds.
import { messageOf, SestaError } from "../base/errors.ts";
import { getBootId } from "../machine/identity.ts";
import type { Asked, DoorAddress, UseKind } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { Supervised } from "../state/agent-state.ts";
import { Departure, type DepartureCause } from "./departure.ts";
import { ProcessKeeper, type Attempt, type KeeperContext } from "./process-keeper.ts";
import type { Saved, Saver } from "./save/saver.ts";
import { StateRecord, type Details } from "./state-record.ts";

export type SupervisorContext = KeeperContext & {
  createSaver: (saved: Saved, tell: () => void) => Saver;
};

/** After something that nobody expected, such as a full disk, the same is tried again. */
const mendMs = 5_000;

export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #record: StateRecord;
  readonly #process: ProcessKeeper;
  readonly #departure: Departure;
  #saver: Saver | null = null;
  #wanted: "awake" | "asleep";
  #askedBy = "agent";
  #activity = new AbortController();
  #settling = false;
  #left = new AbortController();

  constructor(context: SupervisorContext, workload: Supervised) {
    this.#context = context;
    this.#record = new StateRecord(context, workload, () => this.#details());
    this.#process = new ProcessKeeper(context, this.#record);
    this.#departure = new Departure(context.clock);
    this.#wanted = workload.state === "waking" || workload.state === "awake" ? "awake" : "asleep";
    this.#setSaver();
  }

  get name(): string {
    return this.#record.workload.name;
  }

  get state(): State {
    return this.#record.workload.state;
  }

  /** @throws SestaError UNSUPPORTED for a workload whose workspace is saved nowhere */
  get saver(): Saver {
    if (this.#saver) return this.#saver;
    throw new SestaError("UNSUPPORTED", `${this.name} is saved nowhere`, {
      hint: "Give it `save: { repo: … }` in sesta.yaml and run `sesta up`.",
    });
  }

  report(): Report {
    return this.#record.report();
  }

  /** Finds out what an earlier agent left, and goes on from there. */
  async adopt(): Promise<void> {
    const { state, start } = this.#record.workload;
    if (state === "failed") await this.#process.readLog();
    if (state !== "waking" && state !== "awake" && state !== "sleeping") return;
    if (start && start.bootId !== (await getBootId())) {
      this.#wanted = "asleep";
      this.#record.change("asleep", "The machine was restarted.", "agent", null);
    } else if (state !== "waking") {
      const found = await this.#process.find();
      if (state === "sleeping") this.#departure.begin("asked", found !== null);
      else if (found) this.#attend();
    }
    this.#settle();
  }

  door(): DoorAddress | null {
    return this.#isOpen() ? this.#process.door() : null;
  }

  /**
   * A start that is under way, or done, is not begun again; one that fails is the answer to everybody who asked.
   * @throws SestaError DISK_FULL, STATE_FOLDER when the change cannot be kept; nothing has changed then
   */
  wake({ why, by }: Asked): Report {
    if (this.state === "asleep" || this.state === "failed") {
      this.#record.change("waking", why, by, null);
      this.#process.forgive();
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
      this.#departure.begin(cause, this.state === "awake" && this.#process.identity !== null);
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
    this.#process.attendance?.use.note(source);
    if (this.state === "sleeping" && this.#departure.yieldsToUse)
      this.wake({ name: this.name, why: `${source} while it went to sleep`, by: "visitor" });
  }

  /** Keeps it awake, waking it first; null lets go. @throws as `wake` */
  hold(asked: Asked, forMs: number | null, reason: string | null): Report {
    const { clock, state } = this.#context;
    const hold = forMs === null ? null : { until: clock.now() + forMs, reason };
    if (hold) this.wake(asked);
    state.setHold(this.name, hold);
    this.#record.note(asked.why, asked.by);
    this.#process.attendance?.use.hold(hold?.until ?? null);
    this.#record.tell();
    return this.report();
  }

  /** What to run and when to sleep from now on; what runs is not touched until it is started again. */
  replace(launch: Supervised["launch"], places: Supervised["places"]): void {
    this.#record.save({ ...this.#record.workload, launch, places });
    this.#process.attendance?.use.setRule(launch.idle);
    this.#setSaver();
    if (this.state !== "failed") return;
    this.#process.forgive();
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
    const { ended } = this.#process;
    if (state === "waking" && this.#wanted === "awake") return () => this.#bringUp();
    if (state === "sleeping" && this.#departure.open)
      return this.#wanted === "awake" ? async () => this.#stay() : () => this.#depart();
    if (state === "waking" || state === "sleeping") return () => this.#takeDown();
    if (state === "awake" && ended !== null) return async () => this.#record.change("waking", ended, "agent");
    if (state !== "asleep" || this.#wanted !== "awake") return undefined;
    return async () => {
      this.#record.change("waking", "It was asked for while it went to sleep.", this.#askedBy, null);
      this.#process.forgive();
    };
  }

  async #bringUp(): Promise<void> {
    const activity = this.#begin();
    const attempt = await this.#try(activity);
    if (activity.aborted || attempt === "again") return;
    if (attempt !== "up") {
      this.#record.change("failed", attempt.failed, "agent", null);
      this.#wanted = "asleep";
      return;
    }
    this.#record.change("awake", `${this.#record.workload.launch.title} answers.`, this.#askedBy);
    this.#attend();
  }

  async #try(activity: AbortSignal): Promise<Attempt> {
    if (this.#process.ended !== null) return this.#process.clear(activity);
    try {
      await this.#saver?.prepare(this.#record.workload.places.disk, activity);
    } catch (error) {
      return activity.aborted ? "again" : { failed: messageOf(error) };
    }
    return this.#process.bringUp(activity);
  }

  // Whoever comes meanwhile finds it as it was.
  async #depart(): Promise<void> {
    const activity = this.#begin();
    const { places, since, why } = this.#record.workload;
    const collect = async () => this.#process.attendance?.collect() ?? [];
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
    this.#departure.close();
    await this.#process.stop();
    await this.#saver?.saveHere().catch(() => undefined); // what it wrote at its end; the report says what failed
    this.#process.rest();
    this.#record.change("asleep", this.#record.workload.why, this.#askedBy, null);
  }

  #attend(): void {
    const on = {
      sleep: (why: string, cause: DepartureCause) => this.#sleepIfPossible(why, cause),
      changed: () => this.#record.tell(),
      ended: () => this.#settle(),
    };
    this.#process.attend(on, this.#begin());
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
    if (this.#saver && rule) return this.#saver.setRule(rule);
    this.#saver?.close();
    this.#saver = null;
    if (!rule) return;
    const saved = { name: this.name, workspace: places.workspace, rule };
    this.#saver = this.#context.createSaver(saved, () => this.#saverChanged());
    this.#saver.keep();
  }

  #saverChanged(): void {
    this.#record.tell();
    if (!this.#saver || this.state !== "awake") return;
    const why = this.#departure.due(this.#saver, this.#process.attendance?.use.lastMonotonic() ?? -Infinity);
    if (why !== undefined) this.#sleepIfPossible(why, "cap");
  }

  #isOpen(): boolean {
    return this.state === "awake" || (this.state === "sleeping" && this.#departure.open);
  }

  #details(): Details {
    const { state, clock } = this.#context;
    const { identity, attendance, logTail } = this.#process;
    const hold = state.hold(this.name);
    return {
      pid: identity?.pid ?? null,
      lastUse: attendance?.use.last() ?? null,
      sleepsAt: attendance?.use.sleepsAt() ?? null,
      announced: attendance?.use.cause() === "idle" && attendance.use.announced(),
      hold: hold && hold.until > clock.now() ? hold : null,
      open: this.#isOpen(),
      save: this.#saver?.report() ?? null,
      logTail,
    };
  }

  /** One activity at a time: what went on before is told to end. */
  #begin(): AbortSignal {
    this.#activity.abort();
    this.#activity = new AbortController();
    return this.#activity.signal;
  }
}
