// Keeps one workload in the state that is wanted: wakes it, sends it to sleep, saves it, adopts what it finds.
import { messageOf, SestaError } from "../base/errors.ts";
import { getBootId } from "../machine/identity.ts";
import type { Asked, DoorAddress, UseKind } from "../model/agent-protocol.ts";
import type { BackupReport } from "../model/backup.ts";
import type { Report } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { Supervised } from "../state/agent-state.ts";
import { describeUse } from "./attendance.ts";
import { Departure, type DepartureCause } from "./departure.ts";
import { saveLast } from "./final-save.ts";
import { ProcessKeeper, type KeeperContext } from "./process-keeper.ts";
import { SaverSlot } from "./saver-slot.ts";
import type { Saved, Saver } from "./save/saver.ts";
import { createSettling, type Step } from "./settling.ts";
import { createShutter, type Shutter } from "./shutter.ts";
import { StateRecord, type Details } from "./state-record.ts";

export type SupervisorContext = KeeperContext & {
  createSaver: (saved: Saved, tell: () => void) => Saver;
  backupReport: (workload: Supervised) => BackupReport | undefined;
};

export class Supervisor {
  readonly #context: SupervisorContext;
  readonly #record: StateRecord;
  readonly #process: ProcessKeeper;
  readonly #departure: Departure;
  readonly #saves: SaverSlot;
  readonly #settle: () => void;
  readonly shutter: Shutter;
  #wanted: "awake" | "asleep";
  #askedBy = "agent";
  #activity = new AbortController();
  #left = new AbortController();

  constructor(context: SupervisorContext, workload: Supervised) {
    this.#context = context;
    this.#record = new StateRecord(context, workload, () => this.#details());
    this.#process = new ProcessKeeper(context, this.#record);
    this.#departure = new Departure(context.clock);
    this.shutter = createShutter(context.clock);
    this.#settle = createSettling({
      clock: context.clock,
      next: () => this.#nextStep(),
      failed: (error) => {
        context.log.error("supervisor", { workload: this.name, error: messageOf(error) });
        this.#record.show(messageOf(error), null);
      },
      signal: this.#left.signal,
    });
    this.#saves = new SaverSlot((saved) => context.createSaver(saved, () => this.#saverChanged()));
    this.#wanted = workload.state === "waking" || workload.state === "awake" ? "awake" : "asleep";
    this.#saves.set(this.#record.workload);
  }

  get name(): string {
    return this.#record.workload.name;
  }

  get workload(): Supervised {
    return this.#record.workload;
  }

  get state(): State {
    return this.#record.workload.state;
  }

  /** @throws SestaError UNSUPPORTED for a workload whose workspace is saved nowhere */
  get saver(): Saver {
    return this.#saves.get(this.#record.workload);
  }

  /** Something that its report shows has changed. */
  tell(): void {
    this.#record.tell();
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
   * @throws SestaError DISK_FULL, STATE_FOLDER when the change cannot be kept, BUSY; nothing has changed then
   */
  wake({ why, by }: Asked): Report {
    if (this.shutter.isShut())
      throw new SestaError("BUSY", `${this.name} is being taken down, or its data replaced`);
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
  sleep({ why, by }: Asked, cause: DepartureCause = "asked", shut = false): Report {
    this.shutter.set(shut);
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

  /**
   * Somebody came through the front door. A frame of an open page proves nothing where the kernels can be asked. Whoever
   * opens the page at this moment came to a door that had not heard yet, and is to find it awake (F22).
   */
  used(source: string, kind: UseKind): void {
    if (kind === "frame" && this.#record.workload.launch.idle.evidence === "jupyter") return;
    this.#process.attendance?.use.note(source);
    const leaves = this.state === "sleeping" && (kind === "visit" || this.#departure.yieldsToUse);
    if (leaves || (this.state === "asleep" && kind === "visit"))
      this.wake({ name: this.name, why: `${source} while it went to sleep`, by: "visitor" });
  }

  /** Keeps it awake, waking it first; null lets go, of nothing too. @throws as `wake` */
  hold(asked: Asked, forMs: number | null, reason: string | null): Report {
    const { clock, state } = this.#context;
    if (forMs === null && state.hold(this.name) === null) return this.report();
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
    this.shutter.set(false);
    this.#record.save({ ...this.#record.workload, launch, places });
    this.#process.attendance?.use.setRule(launch.idle);
    this.#saves.set(this.#record.workload);
    if (this.state !== "failed") return;
    this.#process.forgive();
    this.#record.change("asleep", "It was brought up again and waits to be woken.", "owner", null);
  }

  /** For the record: something that does not change its state. */
  remark(what: string): void {
    this.#record.note(what, "agent");
  }

  /** Stops watching and saving; what runs goes on. */
  leave(): void {
    this.#left.abort();
    this.#activity.abort();
    this.#saves.close();
  }

  #nextStep(): Step | undefined {
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
    const { places } = this.#record.workload;
    const prepare = async () => this.#saves.saver?.prepare(places.disk, activity);
    const attempt = await this.#process.bringUp(prepare, activity);
    if (activity.aborted || attempt === "again") return;
    if (attempt !== "up") {
      this.#record.change("failed", attempt.failed, "agent", null);
      this.#wanted = "asleep";
      return;
    }
    this.#record.change("awake", `${this.#record.workload.launch.title} answers.`, this.#askedBy);
    this.#attend();
  }

  // Whoever comes meanwhile finds it as it was.
  async #depart(): Promise<void> {
    const activity = this.#begin();
    const { places, why } = this.#record.workload;
    const collect = async () => this.#process.attendance?.collect() ?? [];
    const show = (phase: string) => this.#record.show(phase, null);
    const leaving = { saver: this.#saves.saver, disk: places.disk, collect, show };
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
    const activity = this.#begin();
    const { saver } = this.#saves;
    const { disk } = this.#record.workload.places;
    this.#departure.close();
    await this.#process.stop();
    const show = (phase: string) => this.#record.show(phase, null);
    if (saver) await saveLast({ saver, disk, clock: this.#context.clock, show }, activity);
    if (this.#left.signal.aborted) return; // whoever comes next goes on here
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

  #saverChanged(): void {
    this.#record.tell();
    const { saver } = this.#saves;
    if (!saver || this.state !== "awake") return;
    const why = this.#departure.due(saver, this.#process.attendance?.use.lastMonotonic() ?? -Infinity);
    if (why !== undefined) this.#sleepIfPossible(why, "cap");
  }

  #isOpen(): boolean {
    return this.state === "awake" || (this.state === "sleeping" && this.#departure.open);
  }

  #details(): Details {
    const { attendance, identity, logTail } = this.#process;
    const { state, clock } = this.#context;
    const hold = state.hold(this.name);
    const backup = this.#context.backupReport(this.workload);
    const held = attendance ? attendance.use.isHeld() : hold !== null && hold.until > clock.now();
    return {
      ...describeUse(attendance?.use),
      pid: identity?.pid ?? null,
      hold: held ? hold : null,
      open: this.#isOpen(),
      save: this.#saves.report(),
      ...(backup && { backup }),
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
