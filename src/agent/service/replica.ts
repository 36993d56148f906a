// One replica of a release: starts it, keeps it running, and ends it. What it does is written before it is done.
import { randomUUID } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { getBootId, type Identity } from "../../machine/identity.ts";
import type { DoorAddress } from "../../model/agent-protocol.ts";
import type { ReplicaReport } from "../../model/release.ts";
import type { AgentState, Start } from "../../state/agent-state.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import type { BootLane } from "../boot-lane.ts";
import { freePort } from "../free-port.ts";
import type { ProcessRunner } from "../process.ts";
import { findRest } from "./rest-time.ts";
import { watchReplica } from "./watch-replica.ts";

export type ReplicaContext = {
  clock: Clock;
  log: Log;
  state: AgentState;
  runner: ProcessRunner;
  lane: BootLane;
};

export type ReplicaNews = {
  /** Whether it may get requests, or anything else that is shown of it, has changed. */
  changed(): void;
  /** It ended, or was ended, after it had been up. */
  ended(slot: number, why: string): void;
};

export class Replica {
  readonly slot: number;
  readonly #context: ReplicaContext;
  readonly #release: KeptRelease;
  readonly #env: Readonly<Record<string, string>>;
  readonly #news: ReplicaNews;
  readonly #ending = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #start: Start | null;
  #identity: Identity | null = null;
  #state: ReplicaReport["state"] = "starting";
  #why = "";
  #phase: string | null = null;
  #failures = 0;
  #restarts = 0;
  #logTail: readonly string[] = [];

  /** @param start of an earlier agent, whose process may still run */
  constructor(
    context: ReplicaContext,
    release: KeptRelease,
    slot: number,
    parts: { env: Readonly<Record<string, string>>; start: Start | null; news: ReplicaNews },
  ) {
    this.#context = context;
    this.#release = release;
    this.slot = slot;
    this.#env = parts.env;
    this.#start = parts.start;
    this.#news = parts.news;
  }

  /** Names this start of it among all that ever were; null while it has none. */
  get id(): string | null {
    return this.#start?.startId ?? null;
  }

  get state(): ReplicaReport["state"] {
    return this.#state;
  }

  get phase(): string | null {
    return this.#phase;
  }

  get why(): string {
    return this.#why;
  }

  get logTail(): readonly string[] {
    return this.#logTail;
  }

  address(): DoorAddress | null {
    return this.#start ? this.#context.runner.door(this.#release.launch, this.#start) : null;
  }

  report(): ReplicaReport {
    const container = this.#start && this.#context.runner.container(this.#release.launch, this.#start);
    return {
      release: this.#release.number,
      slot: this.slot,
      state: this.#state,
      pid: this.#identity?.pid ?? null,
      port: this.#start?.port ?? null,
      restarts: this.#restarts,
      why: this.#why,
      ...(container && { container: container.call }),
    };
  }

  /**
   * Resolves when it is up for the first time; it is kept up until `end`.
   * @param firstTries how often it may fail before this rejects
   */
  begin(firstTries: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#running = this.#keepUp(firstTries, resolve, reject).catch((error: unknown) =>
      reject(error as Error),
    );
    promise.catch(() => undefined);
    return promise;
  }

  /** Nothing of it runs when this resolves. */
  async end(): Promise<void> {
    this.#show("ending", "It is ended.");
    this.#ending.abort(new Error("it is ended"));
    await this.#running;
    await this.#clear();
  }

  /** It goes on without anybody who watches it. */
  leave(): void {
    this.#ending.abort(new Error("nobody watches any more"));
  }

  /** Once it has failed so often, whoever waits for it is told; it is tried on until it is ended. */
  async #keepUp(firstTries: number, up: () => void, failed: (error: Error) => void): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      let wasUp = false;
      const lived = this.#live(() => {
        wasUp = true;
        up();
      });
      const problem = await lived.catch((error: unknown) => messageOf(error));
      if (signal.aborted) break;
      await this.#tidy(problem, wasUp);
      if (!wasUp && this.#failures >= firstTries) failed(new Error(problem));
      await this.#rest(problem);
    }
    failed(new Error("it was ended before it was up"));
  }

  /** After its end: it gets no more requests, nothing of it runs, and its last lines are known. */
  async #tidy(problem: string, wasUp: boolean): Promise<void> {
    const { runner, log } = this.#context;
    this.#failures += 1;
    this.#show("waiting", problem);
    const { logName, slot } = this;
    log.warn("replica ended", { replica: logName, why: problem, failures: this.#failures });
    try {
      if (wasUp) this.#news.ended(slot, problem);
      await this.#clear();
    } catch (error) {
      log.error("replica not tidied", { replica: logName, error: messageOf(error) });
    }
    this.#logTail = await runner.logTail(logName);
  }

  /** From its start to its end; resolves with why it has to be started again. */
  async #live(up: () => void): Promise<string> {
    const { clock, lane } = this.#context;
    const { signal } = this.#ending;
    const { launch } = this.#release;
    const { service: rule } = launch;
    if (!rule) throw new Error(`${launch.name} is no service`);
    this.#show("starting", this.#restarts === 0 ? "It starts." : this.#why);
    await lane.run(
      () => this.#boot(signal),
      signal,
      () => undefined,
    );
    const [identity, address] = [this.#identity, this.address()];
    if (!identity || !address) throw new Error("it did not start");
    this.#show("up", "It answers.");
    up();
    const { health, memoryBytes } = rule;
    const container = this.#start && this.#context.runner.container(launch, this.#start);
    const watched = { clock, identity, address, health, memoryBytes, container: container ?? undefined };
    const events = {
      well: (isWell: boolean) =>
        isWell
          ? this.#show("up", "It answers again.")
          : this.#show("unhealthy", "It does not answer as it should."),
      proven: () => (this.#failures = 0),
    };
    return watchReplica(watched, events, signal);
  }

  async #boot(signal: AbortSignal): Promise<void> {
    const { launch, places } = this.#release;
    const start = this.#start ?? (await this.#newStart());
    signal.throwIfAborted();
    const on = {
      started: (identity: Identity) => (this.#identity = identity),
      progress: (phase: string) => {
        this.#phase = phase;
        this.#news.changed();
      },
    };
    const parts = { log: this.logName, env: this.#env };
    await this.#context.runner.start(launch, places, start, signal, on, parts);
  }

  // Written before the process exists, so that a kill in between leaves something to look for.
  async #newStart(): Promise<Start> {
    const start = { startId: randomUUID(), port: await freePort(), bootId: await getBootId() };
    const { workload, number: release } = this.#release;
    this.#context.state.saveReplica(workload, { release, slot: this.slot, start });
    this.#start = start;
    return start;
  }

  /** Backoff, or a long rest once it has failed too often. */
  async #rest(problem: string): Promise<void> {
    const { clock } = this.#context;
    const { isBroken, restMs } = findRest(this.#failures);
    const again = `${problem}; it is started again in ${Math.ceil(restMs / 1000)} s`;
    this.#show(isBroken ? "broken" : "waiting", again);
    this.#restarts += 1;
    await clock.sleep(restMs, this.#ending.signal).catch(() => undefined);
  }

  async #clear(): Promise<void> {
    const { runner, state } = this.#context;
    const { workload, number, launch } = this.#release;
    if (this.#start) await runner.stop(launch, this.#start, () => undefined);
    state.deleteReplica(workload, number, this.slot);
    [this.#start, this.#identity] = [null, null];
  }

  /** Of its log, and how sentences for operators name it. */
  get logName(): string {
    const { workload, number } = this.#release;
    return `${workload}.${number}.${this.slot}`;
  }

  #show(state: ReplicaReport["state"], why: string): void {
    [this.#state, this.#why, this.#phase] = [state, why, null];
    this.#news.changed();
  }
}
