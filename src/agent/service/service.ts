// Keeps one service in the state that is wanted: wakes and sleeps it, and replaces one release by the next.
import { messageOf, SestaError } from "../../base/errors.ts";
import type { Asked, MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch } from "../../model/launch.ts";
import type { Certificate, NewRelease, Release } from "../../model/release.ts";
import type { Report } from "../../model/status.ts";
import type { State } from "../../model/words.ts";
import type { Supervised } from "../../state/agent-state.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import { describeUse } from "../attendance.ts";
import { createSettling, type Step } from "../settling.ts";
import { StateRecord, type Details, type RecordContext } from "../state-record.ts";
import { createGroup, endOthers, type Group, type GroupContext } from "./group.ts";
import { describeRelease, ReleaseBook } from "./release-book.ts";
import { ServiceFront } from "./service-front.ts";
import { attendService, type ServiceUse } from "./service-use.ts";

export type ServiceContext = GroupContext & RecordContext;

export class Service {
  readonly #context: ServiceContext;
  readonly #record: StateRecord;
  readonly #book: ReleaseBook;
  readonly #front: ServiceFront;
  readonly #settle: () => void;
  readonly #left = new AbortController();
  #wanted: "awake" | "asleep";
  #asked = { why: "It was awake before.", by: "agent" };
  #group: Group | null = null;
  #candidate: Group | null = null;
  /** Old groups whose last requests end. */
  #leaving: Promise<unknown> = Promise.resolve();
  /** Aborted when what is under way is not wanted any more. */
  #activity = new AbortController();
  #attendance: ServiceUse | null = null;
  #logTail: readonly string[] = [];
  /** The number of a release whose files are there before it is written down. */
  #newest = 0;

  constructor(context: ServiceContext, workload: Supervised) {
    this.#context = context;
    this.#record = new StateRecord(context, workload, () => this.#details());
    this.#book = new ReleaseBook(context.state, context.clock, workload.name);
    this.#wanted = workload.state === "waking" || workload.state === "awake" ? "awake" : "asleep";
    this.#front = new ServiceFront(context, workload.name, {
      launch: () => this.#record.workload.launch,
      certificate: () => this.#readCertificate(),
      state: () => ({ state: this.state, why: this.#record.workload.why }),
      wake: async () => void this.wake({ why: "A request came.", by: "visitor" }),
      used: () => this.#attendance?.note(),
    });
    this.#settle = createSettling({
      clock: context.clock,
      next: () => this.#nextStep(),
      failed: (error) => {
        context.log.error("service", { workload: this.name, error: messageOf(error) });
        this.#record.show(messageOf(error), null);
      },
      signal: this.#left.signal,
    });
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

  /** Opens its port, and goes on with what an earlier agent left: what runs is not started again. */
  async adopt(): Promise<void> {
    await this.#front.open().catch((error: unknown) => this.#record.show(messageOf(error), null));
    const live = this.#book.live();
    const isUp = this.state === "awake" || this.state === "waking";
    const run = [isUp ? live : undefined, this.#book.starting()];
    await endOthers(
      this.#context,
      this.#book.all,
      run.flatMap((release) => release?.number ?? []),
    );
    if (live && this.state === "awake") {
      this.#group = await this.#createGroup(live);
      this.#group.startAny().then(
        () => this.#awake("It was awake before."),
        (error: unknown) => this.#fail(error),
      );
    }
    this.#settle();
  }

  /** @throws SestaError NOT_UP before its first release; DISK_FULL, STATE_FOLDER when it cannot be written */
  wake({ why, by }: Omit<Asked, "name">): Report {
    if (!this.#book.live() && !this.#book.starting()) {
      const hint = `Run \`sesta deploy ${this.name}\`.`;
      throw new SestaError("NOT_UP", `${this.name} has no release that runs`, { hint });
    }
    if (this.state === "asleep" || this.state === "failed") this.#record.change("waking", why, by);
    return this.#want("awake", why, by);
  }

  /** @throws as `wake` */
  sleep({ why, by }: Asked): Report {
    if (this.state === "waking" || this.state === "awake") this.#record.change("sleeping", why, by);
    return this.#want("asleep", why, by);
  }

  hold(asked: Asked, forMs: number | null, reason: string | null): Report {
    const { clock, state } = this.#context;
    const hold = forMs === null ? null : { until: clock.now() + forMs, reason };
    if (hold) this.wake(asked);
    state.setHold(this.name, hold);
    this.#record.note(asked.why, asked.by);
    this.#attendance?.use.hold(hold?.until ?? null);
    this.#record.tell();
    return this.report();
  }

  /** For the record: something that does not change its state. */
  remark(what: string): void {
    this.#record.note(what, "agent");
  }

  /** Stops watching and answering; what runs goes on. */
  leave(): void {
    this.#left.abort();
    this.#activity.abort();
    this.#attendance?.end();
    this.#group?.leave();
    this.#candidate?.leave();
    void this.#front.close();
  }

  /** Takes away what is kept of it, once nothing of it runs any more. */
  async remove(): Promise<void> {
    this.leave();
    await this.#leaving;
    this.#context.state.forgetReleases(this.name);
    await this.#context.folders.removeAll(this.name);
  }

  /** Newest first. */
  releases(): Release[] {
    return this.#book.all.map((release) => this.#describe(release));
  }

  /** The same key gives the same release. @throws SestaError BUSY while another one starts, PORT_TAKEN, TRANSFER */
  async deploy(launch: Launch, places: MachinePlaces, wanted: NewRelease, why: string): Promise<Release> {
    const known = this.#book.findKey(wanted.key);
    if (known) return this.#describe(known);
    this.#book.refuseTwo();
    this.#record.save({ ...this.#record.workload, launch, places });
    this.#attendance?.use.setRule(launch.idle);
    const number = this.#book.nextNumber();
    const { folders } = this.#context;
    await folders.make(this.name, number, wanted);
    this.#book.refuseTwo();
    this.#newest = number;
    await this.#front.open();
    const own = { ...places, workspace: folders.treeOf(this.name, number) };
    return this.#begin(this.#book.add(launch, own, number, wanted), why, wanted.by);
  }

  /** @throws SestaError UNKNOWN_RELEASE, BUSY */
  rollback({ why, by }: Asked, number: number | null): Release {
    this.#book.refuseTwo();
    const release = this.#book.again(number);
    return release.state === "live" ? this.#describe(release) : this.#begin(release, why, by);
  }

  #begin(release: KeptRelease, why: string, by: string): Release {
    if (this.state === "asleep" || this.state === "failed") this.#record.change("waking", why, by);
    this.#want("awake", why, by);
    return this.#describe(release);
  }

  #describe(release: KeptRelease): Release {
    const isCandidate = this.#candidate?.release.number === release.number;
    return describeRelease(release, isCandidate ? (this.#candidate?.phase() ?? null) : null);
  }

  #want(wanted: "awake" | "asleep", why: string, by: string): Report {
    if (this.#wanted !== wanted) this.#activity.abort();
    this.#wanted = wanted;
    this.#asked = { why, by };
    this.#front.changed();
    this.#settle();
    return this.report();
  }

  #nextStep(): Step | undefined {
    this.#activity = new AbortController();
    const { signal } = this.#activity;
    if (this.#wanted === "asleep") {
      if (this.state === "sleeping" || this.#group) return () => this.#takeDown(signal);
      return undefined;
    }
    const candidate = this.#book.starting();
    if (candidate) return () => this.#tryRelease(candidate);
    const rests = this.state === "awake" || this.state === "failed";
    return rests ? undefined : () => this.#bringUp(signal);
  }

  async #bringUp(signal: AbortSignal): Promise<void> {
    const live = this.#book.live();
    if (!live) return this.#fail(new Error("It has no release that runs."));
    if (this.state === "sleeping" && this.#group) return this.#awake(this.#asked.why); // nothing was stopped yet
    if (this.state !== "waking") this.#record.change("waking", this.#asked.why, this.#asked.by);
    await this.#group?.end();
    const group = (this.#group = await this.#createGroup(live));
    const end = () => void group.end();
    signal.addEventListener("abort", end, { once: true });
    try {
      await group.startAny();
      this.#awake(`Release ${live.number} answers.`);
    } catch (error) {
      if (!signal.aborted) await this.#fail(error);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** Beside the old release; that one is replaced once the new one is well, and nothing changes where it is not. */
  async #tryRelease(release: KeptRelease): Promise<void> {
    // Replicas are known by release and slot: those of its last time must be gone.
    if (release.liveSince !== null) await this.#leaving;
    const group = (this.#candidate = await this.#createGroup(release));
    try {
      await group.startAll();
      this.#book.takeOver(release);
    } catch (error) {
      await group.end();
      if (this.#left.signal.aborted) return;
      this.#book.fail(release, messageOf(error), error instanceof SestaError ? error.problems : []);
      return this.#book.live() ? this.#record.tell() : this.#fail(error);
    } finally {
      this.#candidate = null;
    }
    const old = this.#group;
    this.#group = group;
    this.#awake(`Release ${release.number} is live.`);
    if (old) this.#leaving = Promise.all([this.#leaving, this.#front.drain(old).then(() => old.end())]);
    await this.#context.folders.prune(this.#book.prune(), this.#book.all);
  }

  /** Until its replicas are stopped, whoever wants it awake takes that back. */
  async #takeDown(signal: AbortSignal): Promise<void> {
    const group = this.#group;
    if (group) {
      this.#record.show("its last requests end", null);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await Promise.race([this.#front.drain(group), aborted]);
      if (signal.aborted) return;
      this.#front.route(null);
      this.#attendance?.end();
      this.#attendance = null;
      this.#record.show("its replicas are stopped", null);
      await group.end();
      this.#group = null;
    }
    await this.#leaving;
    if (this.state === "sleeping") this.#record.change("asleep", this.#record.workload.why, this.#asked.by);
  }

  /** Of the newest release that has one. */
  async #readCertificate(): Promise<Certificate | null> {
    const { folders } = this.#context;
    const numbers = [this.#newest, ...this.#book.all.map(({ number }) => number)];
    for (const number of numbers) {
      const found = await folders.readCertificate(this.name, number);
      if (found) return found;
    }
    return null;
  }

  #createGroup(release: KeptRelease): Promise<Group> {
    return createGroup(this.#context, release, () => this.#replicaChanged());
  }

  /** Routes as things stand, and says so where none runs any more, or one does again. */
  #replicaChanged(): void {
    this.#front.route(this.#group);
    const group = this.#group;
    const { state } = this;
    if (state === "awake" && group?.isBroken())
      this.#record.change("failed", group.replicas[0]?.why ?? "", "agent");
    else if (state === "failed" && group && group.listUp().length > 0) this.#awake("It answers again.");
    this.#record.tell();
  }

  #awake(why: string): void {
    this.#logTail = [];
    this.#attendance?.end();
    if (this.state !== "awake" || this.#record.workload.why !== why)
      this.#record.change("awake", why, this.#asked.by);
    this.#attendance = attendService(this.#context, this.#record.workload, {
      inFlight: () => this.#front.inFlight(),
      sleep: (reason) => void this.sleep({ name: this.name, why: reason, by: "agent" }),
      changed: () => this.#record.tell(),
    });
    this.#replicaChanged();
  }

  async #fail(error: unknown): Promise<void> {
    const group = this.#group;
    this.#group = null;
    this.#logTail = error instanceof SestaError ? error.problems : [];
    this.#front.route(null);
    await group?.end();
    if (this.#left.signal.aborted) return;
    this.#record.change("failed", messageOf(error), "agent");
    this.#front.changed();
  }

  #details(): Details {
    const { state, clock } = this.#context;
    const hold = state.hold(this.name);
    const { launch } = this.#record.workload;
    const replicas = [...(this.#group?.reports() ?? []), ...(this.#candidate?.reports() ?? [])];
    return {
      ...describeUse(this.#attendance?.use),
      pid: replicas.find(({ pid }) => pid !== null)?.pid ?? null,
      hold: hold !== null && hold.until > clock.now() ? hold : null,
      open: this.state === "awake",
      save: null,
      logTail: this.#logTail,
      service: {
        release: this.#book.live()?.number ?? null,
        port: launch.service?.listen.port ?? 0,
        replicas,
      },
    };
  }
}
