// Keeps one service in the state that is wanted: wakes and sleeps it, and replaces one release by the next.
import { messageOf, SestaError } from "../../base/errors.ts";
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch } from "../../model/launch.ts";
import type { State } from "../../model/words.ts";
import type { Supervised } from "../../state/agent-state.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import { createSettling, type Step } from "../settling.ts";
import { StateRecord, type RecordContext } from "../state-record.ts";
import { createGroup, endOthers, untilUp, type Group, type GroupContext } from "./group.ts";
import { Leaving } from "./leaving.ts";
import { Rollout } from "./rollout.ts";
import { ServiceFront, type FrontContext } from "./service-front.ts";
import { describeService } from "./service-report.ts";
import { attendService, type ServiceUse } from "./service-use.ts";

export type ServiceContext = GroupContext & RecordContext & FrontContext;

export class ServiceLife {
  readonly record: StateRecord;
  readonly rollout: Rollout;
  readonly front: ServiceFront;
  readonly #context: ServiceContext;
  readonly #settle: () => void;
  readonly #left = new AbortController();
  #wanted: "awake" | "asleep";
  #asked = { why: "It was awake before.", by: "agent" };
  #group: Group | null = null;
  readonly #leaving: Leaving;
  /** Aborted when what is under way is not wanted any more. */
  #activity = new AbortController();
  #attendance: ServiceUse | null = null;
  #logTail: readonly string[] = [];

  constructor(context: ServiceContext, workload: Supervised) {
    const { name, state } = workload;
    this.#wanted = state === "waking" || state === "awake" ? "awake" : "asleep";
    this.#context = context;
    this.record = new StateRecord(context, workload, () =>
      describeService(context, this.record.workload, {
        live: this.rollout.releases.book.live()?.number ?? null,
        replicas: [...(this.#group?.reports() ?? []), ...this.rollout.reports()],
        use: this.#attendance?.use,
        certificate: this.front.certificate(),
        logTail: this.#logTail,
      }),
    );
    this.front = new ServiceFront(context, name, {
      state: () => ({ state: this.state, why: this.record.workload.why }),
      wake: async () => this.wake("A request came.", "visitor"),
      used: () => this.#attendance?.note(),
      changed: () => this.record.tell(),
    });
    this.#leaving = new Leaving(this.front);
    this.rollout = new Rollout(context, name, this.front, {
      launch: () => this.record.workload.launch,
      setLaunch: (launch, places) => this.#setLaunch(launch, places),
      createGroup: (release) => this.#createGroup(release),
      left: this.#left.signal,
    });
    this.#settle = createSettling({
      clock: context.clock,
      next: () => this.#nextStep(),
      failed: (error) => {
        this.record.show(messageOf(error), null);
        context.log.error("service", { workload: name, error: messageOf(error) });
      },
      signal: this.#left.signal,
    });
  }

  get state(): State {
    return this.record.workload.state;
  }

  async adopt(): Promise<void> {
    const { book } = this.rollout.releases;
    const live = book.live();
    void this.rollout.openPort((problem) => this.record.show(problem, null));
    await endOthers(this.#context, book.all, [this.#wanted === "awake" ? live : undefined, book.starting()]);
    if (live && this.state === "awake") {
      const group = (this.#group = await this.#createGroup(live));
      group.startAny().then(
        () => void (this.#group === group && this.#awake(this.record.workload.why)),
        async (error: unknown) => void (this.#group === group && (await this.#fail(error))),
      );
    }
    this.#settle();
  }

  wake(why: string, by: string): void {
    if (this.state === "asleep" || this.state === "failed") this.record.change("waking", why, by);
    this.#want("awake", why, by);
  }

  sleep(why: string, by: string): void {
    if (this.state === "waking" || this.state === "awake") this.record.change("sleeping", why, by);
    this.#want("asleep", why, by);
  }

  /** @param until wall time up to which it does not sleep by itself; null lets go */
  held = (until: number | null): void => this.#attendance?.use.hold(until);

  leave(): void {
    this.#stopWatching();
    this.#group?.leave();
    this.rollout.leave();
    void this.front.close();
  }

  /** Nothing of it runs any more when this resolves. */
  async end(): Promise<void> {
    this.#stopWatching();
    await Promise.all([this.#group?.end(), this.front.close(), this.#leaving.ended()]);
  }

  #stopWatching(): void {
    this.#left.abort();
    this.#activity.abort();
    this.#attendance?.end();
  }

  #want(wanted: "awake" | "asleep", why: string, by: string): void {
    if (this.#wanted !== wanted) this.#activity.abort();
    [this.#wanted, this.#asked] = [wanted, { why, by }];
    this.front.changed();
    this.#settle();
  }

  #nextStep(): Step | undefined {
    const { signal } = (this.#activity = new AbortController());
    const candidate = this.rollout.releases.book.starting();
    if (this.#wanted === "asleep") {
      const runs = this.state === "sleeping" || this.#group !== null || candidate !== undefined;
      return runs ? () => this.#takeDown(signal) : undefined;
    }
    if (candidate) return () => this.#tryRelease(candidate, signal);
    const rests = this.state === "awake" || this.state === "failed";
    return rests ? undefined : () => this.#bringUp(signal);
  }

  async #bringUp(signal: AbortSignal): Promise<void> {
    const live = this.rollout.releases.book.live();
    if (!live) return this.#fail(new Error("It has no release that runs."));
    if (this.state === "sleeping" && this.#group) return this.#awake(this.#asked.why); // nothing was stopped yet
    if (this.state !== "waking") this.record.change("waking", this.#asked.why, this.#asked.by);
    await this.#group?.end();
    const group = (this.#group = await this.#createGroup(live));
    try {
      await this.rollout.serve(this.record.workload.launch);
      await untilUp(group, () => group.startAny(), signal, this.#left.signal);
      this.#awake(`Release ${live.number} answers.`);
    } catch (error) {
      if (!signal.aborted) await this.#fail(error);
    }
  }

  async #tryRelease(release: KeptRelease, signal: AbortSignal): Promise<void> {
    const back = this.#leaving.takeBack(release.number);
    // Else those of its last time must be gone: replicas are known by release and slot.
    if (!back && release.liveSince !== null) await this.#leaving.ended();
    const tried = await this.rollout.try(release, signal, back);
    if (!tried) return;
    if ("failed" in tried) {
      const stays = this.rollout.releases.book.live() || signal.aborted;
      return stays ? this.record.tell() : this.#fail(tried.failed);
    }
    const old = this.#group;
    this.#group = tried.group;
    this.#awake(`Release ${release.number} is live.`);
    if (old) this.#leaving.add(old);
    await this.rollout.releases.forgetOld();
  }

  /** Until its replicas are stopped, whoever wants it awake takes that back. */
  async #takeDown(signal: AbortSignal): Promise<void> {
    const group = this.#group;
    const { releases } = this.rollout;
    const candidate = releases.book.starting();
    if (candidate) await releases.failed(candidate, "It was put to sleep before it began.", []);
    if (group) {
      this.record.show("its last requests end", null);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await Promise.race([this.front.drain(group), aborted]);
      if (signal.aborted) return;
      this.front.route(null);
      this.#attendance?.end();
      this.#attendance = null;
      this.record.show("its replicas are stopped", null);
      await group.end();
      this.#group = null;
    }
    await this.#leaving.ended();
    if (this.state === "sleeping") this.record.change("asleep", this.record.workload.why, this.#asked.by);
  }

  #setLaunch(launch: Launch, places: MachinePlaces): void {
    this.record.save({ ...this.record.workload, launch, places });
    this.#attendance?.use.setRule(launch.idle);
  }

  #createGroup(release: KeptRelease): Promise<Group> {
    return createGroup(this.#context, release, {
      changed: () => this.#replicaChanged(),
      ended: (slot, why) =>
        this.record.note(`Replica ${slot} of release ${release.number} ended: ${why}`, "agent"),
    });
  }

  /** Routes as things stand, and says so where none runs any more, or one does again. */
  #replicaChanged(): void {
    const group = this.#group;
    this.front.route(group);
    if (this.state === "awake" && group?.isBroken()) {
      this.#logTail = group.replicas[0]?.logTail ?? [];
      this.record.change("failed", group.replicas[0]?.why ?? "", "agent");
      this.front.changed();
    } else if (this.state === "failed" && group && group.listUp().length > 0)
      this.#awake("It answers again.");
    this.record.tell();
  }

  #awake(why: string): void {
    this.#logTail = [];
    this.#attendance?.end();
    if (this.state !== "awake" || this.record.workload.why !== why)
      this.record.change("awake", why, this.#asked.by);
    this.#attendance = attendService(this.#context, this.record.workload, {
      goingOn: () => [
        ...(this.front.inFlight() > 0 ? ["requests in flight"] : []),
        ...(this.rollout.releases.book.starting() ? ["a release that starts"] : []),
      ],
      sleep: (reason) => this.sleep(reason, "agent"),
      changed: () => this.record.tell(),
    });
    this.#replicaChanged();
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#left.signal.aborted) return;
    const group = this.#group;
    this.#group = null;
    this.front.route(null);
    this.#logTail = error instanceof SestaError ? error.problems : [];
    await group?.end();
    this.record.change("failed", messageOf(error), "agent");
    this.front.changed();
  }
}
