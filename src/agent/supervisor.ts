// Keeps one workload in the state that is wanted: starts it, judges whether it is used, ends it, adopts what it finds.
import { randomUUID } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { getBootId, isAlive, type Identity } from "../machine/identity.ts";
import type { AgentEvent, Asked, DoorAddress } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { AgentState, Start, Supervised } from "../state/agent-state.ts";
import { freePort } from "./free-port.ts";
import { createUse, type Use } from "./idle.ts";
import type { ProcessRunner } from "./process.ts";

export type SupervisorContext = {
  clock: Clock;
  log: Log;
  state: AgentState;
  runner: ProcessRunner;
  send: (event: AgentEvent) => void;
};

const tries = 3;
const backoffMs = [500, 2_000];
const livenessTickMs = 1_000;
/** A workload that stayed up this long has earned three new tries. */
const provenMs = 60_000;

export class Supervisor {
  readonly #context: SupervisorContext;
  #workload: Supervised;
  #identity: Identity | null = null;
  #wanted: "awake" | "asleep";
  #askedBy = "agent";
  #failures = 0;
  #phase: string | null = null;
  #progress: number | null = null;
  #logTail: readonly string[] = [];
  #use: Use | null = null;
  #activity = new AbortController();
  #settling: Promise<void> | null = null;

  constructor(context: SupervisorContext, workload: Supervised) {
    this.#context = context;
    this.#workload = workload;
    this.#wanted = workload.state === "waking" || workload.state === "awake" ? "awake" : "asleep";
  }

  get name(): string {
    return this.#workload.name;
  }

  get state(): State {
    return this.#workload.state;
  }

  /** Finds out what an earlier agent left, and goes on from there. */
  async adopt(): Promise<void> {
    const { state, start } = this.#workload;
    if (state !== "waking" && state !== "awake" && state !== "sleeping") return;
    const { title } = this.#workload.launch;
    if (start && start.bootId !== (await getBootId())) {
      this.#wanted = "asleep";
      this.#change("asleep", "The machine was restarted.", "agent", null);
    } else if (start && state === "awake") {
      this.#identity = (await this.#context.runner.find(start)) ?? null;
      if (this.#identity) this.#watchUse();
      else this.#change("waking", `${title} had ended while nobody watched; it is started again.`, "agent", null);
    }
    this.#settle();
  }

  report(): Report {
    const { name, state, since, why } = this.#workload;
    return {
      name,
      state,
      since,
      why,
      pid: this.#identity?.pid ?? null,
      phase: this.#phase,
      progress: this.#progress,
      lastUse: this.#use?.last() ?? null,
      sleepsAt: this.#use?.sleepsAt() ?? null,
      logTail: this.#logTail,
    };
  }

  door(): DoorAddress | null {
    const { state, start, launch } = this.#workload;
    return state === "awake" && start ? this.#context.runner.door(launch, start) : null;
  }

  /** A start that is under way, or done, is not begun again; one that fails is the answer to everybody who asked. */
  wake({ why, by }: Asked): Report {
    this.#wanted = "awake";
    this.#askedBy = by;
    if (this.state === "asleep" || this.state === "failed") {
      this.#failures = 0;
      this.#logTail = [];
      this.#change("waking", why, by, null);
    }
    this.#settle();
    return this.report();
  }

  sleep({ why, by }: Asked): Report {
    this.#wanted = "asleep";
    this.#askedBy = by;
    if (this.state === "waking" || this.state === "awake") {
      this.#activity.abort();
      this.#change("sleeping", why, by);
    }
    this.#settle();
    return this.report();
  }

  used(source: string): void {
    this.#use?.note(source);
  }

  /** What to run and when to sleep from now on; what runs is not touched until it is started again. */
  replace(launch: Supervised["launch"], places: Supervised["places"]): void {
    this.#workload = { ...this.#workload, launch, places };
    this.#context.state.save(this.#workload);
    this.#use?.setRule(launch.idle);
  }

  /** Stops watching; what runs goes on. */
  leave(): void {
    this.#activity.abort();
  }

  #settle(): void {
    this.#settling ??= this.#reconcile()
      .catch((error) => this.#context.log.error("supervisor", { workload: this.name, error: messageOf(error) }))
      .finally(() => (this.#settling = null));
  }

  async #reconcile(): Promise<void> {
    for (;;) {
      if (this.state === "waking" && this.#wanted === "awake") await this.#bringUp();
      else if (this.state === "sleeping" || this.state === "waking") await this.#takeDown();
      else if (this.state === "asleep" && this.#wanted === "awake") {
        this.#change("waking", "It was asked for while it went to sleep.", this.#askedBy, null);
      } else return;
    }
  }

  async #bringUp(): Promise<void> {
    const { runner, clock } = this.#context;
    const { launch, places } = this.#workload;
    const activity = this.#begin();
    try {
      const start = this.#workload.start ?? (await this.#newStart());
      await runner.start(launch, places, start, activity, {
        started: (identity) => (this.#identity = identity),
        progress: (phase, progress) => this.#show(phase, progress),
      });
      this.#change("awake", `${launch.title} answers.`, this.#askedBy);
      this.#watchUse();
    } catch (error) {
      if (activity.aborted) return;
      this.#logTail = await runner.logTail(this.name);
      await this.#stopLeftovers();
      this.#failures += 1;
      this.#context.log.warn("start failed", { workload: this.name, try: this.#failures, error: messageOf(error) });
      this.#workload = { ...this.#workload, start: null };
      if (this.#failures >= tries) return this.#fail(messageOf(error));
      this.#show(`try ${this.#failures} of ${tries} failed: ${messageOf(error)}`, null);
      await clock.sleep(backoffMs[this.#failures - 1] ?? 0, activity).catch(() => undefined);
    }
  }

  #fail(reason: string): void {
    this.#wanted = "asleep";
    this.#change("failed", `${reason} (${tries} tries)`, "agent", null);
  }

  // Written before the process exists, so that a kill in between leaves something to look for.
  async #newStart(): Promise<Start> {
    const start = { startId: randomUUID(), port: await freePort(), bootId: await getBootId() };
    this.#workload = { ...this.#workload, start };
    this.#context.state.save(this.#workload);
    return start;
  }

  async #takeDown(): Promise<void> {
    const { title } = this.#workload.launch;
    this.#begin();
    this.#use = null;
    await this.#stopLeftovers();
    this.#change("asleep", this.#workload.why || `${title} sleeps.`, this.#askedBy, null);
  }

  async #stopLeftovers(): Promise<void> {
    const { start, launch } = this.#workload;
    if (start) await this.#context.runner.stop(launch, start, (phase) => this.#show(phase, null));
    this.#identity = null;
  }

  #watchUse(): void {
    const activity = this.#begin();
    const { clock, runner } = this.#context;
    const { launch, start, since } = this.#workload;
    if (!start) return;
    const use = createUse(clock, launch.idle, since);
    this.#use = use;
    this.#sendReport();
    void use.watch(
      (since) => runner.evidence(this.#workload.launch, start, since),
      (why) => this.sleep({ name: this.name, why, by: "agent" }),
      () => this.#sendReport(),
      activity,
    );
    void this.#watchLife(activity);
  }

  async #watchLife(activity: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    const began = clock.monotonic();
    for (;;) {
      await clock.sleep(livenessTickMs, activity).catch(() => undefined);
      if (activity.aborted || !this.#identity) return;
      if (clock.monotonic() - began > provenMs) this.#failures = 0;
      if (!(await isAlive(this.#identity)) && !activity.aborted) return this.#died();
    }
  }

  async #died(): Promise<void> {
    const { title } = this.#workload.launch;
    this.#use = null;
    this.#failures += 1;
    this.#logTail = await this.#context.runner.logTail(this.name);
    await this.#stopLeftovers();
    if (this.state !== "awake") return;
    if (this.#failures >= tries) return this.#fail(`${title} kept ending by itself`);
    this.#change("waking", `${title} ended by itself; it is started again.`, "agent", null);
    this.#settle();
  }

  /** One activity at a time: what went on before is told to end. */
  #begin(): AbortSignal {
    this.#activity.abort();
    this.#activity = new AbortController();
    return this.#activity.signal;
  }

  #show(phase: string | null, progress: number | null): void {
    this.#phase = phase;
    this.#progress = progress;
    this.#sendReport();
  }

  #change(to: State, why: string, by: string, start: Start | null = this.#workload.start): void {
    const { clock, state, send } = this.#context;
    const from = this.state;
    const at = clock.now();
    this.#workload = { ...this.#workload, state: to, since: at, why, start };
    this.#phase = null;
    this.#progress = null;
    const change = state.change(this.#workload, { at, workload: this.name, from, to, why, by });
    send({ change });
    this.#sendReport();
  }

  #sendReport(): void {
    this.#context.send({ report: this.report() });
  }
}
