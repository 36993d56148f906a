// One request's way through the balancer: the replica that has it, the next one where that fails, and what is counted.
import type { Clock } from "../../base/clock.ts";
import type { Course, Decision, LaterUpstream, Upstream, UpstreamFailure } from "../proxy/door.ts";
import type { Load, Traffic } from "./balancer.ts";
import type { Member } from "./member.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

export type PassageContext = {
  traffic: Traffic;
  clock: Clock;
  metrics: ServiceMetrics;
  used: (() => void) | undefined;
  /** Holds one whose replicas all failed; undefined when it must not wait. */
  later(passage: Passage): LaterUpstream | undefined;
};

/** A WebSocket does not wait for a replica that failed: its client tries again by itself, after a while of its own. */
export type PassageKind = "request" | "websocket" | "probe";

/** How many replicas are tried that refuse. */
const triesLimit = 5;
/** How often a request is sent again that may have arrived: one that kills whoever reads it shall not kill them all. */
const resendsLimit = 1;

/** After this a replica that refused is tried again by one that waits: an app may restart itself on its port. */
const againMs = 500;

export class Passage implements Course, Load {
  cut: (() => void) | undefined;
  /** Monotonic; set by who holds it when it first waits for another replica. */
  waitsUntil: number | undefined;
  readonly #context: PassageContext;
  readonly #method: string;
  readonly #kind: PassageKind;
  readonly #startedAt: number;
  #member: Member | undefined;
  #tried: Member[] | undefined;
  #resends = 0;
  #failedAt = 0;
  #isSocket = false;

  /** Counts as in flight, where it is no probe, from now until `ended`. */
  constructor(context: PassageContext, method: string, kind: PassageKind) {
    this.#context = context;
    this.#method = method;
    this.#kind = kind;
    this.#startedAt = context.clock.monotonic();
    if (kind === "probe") return;
    context.traffic.uses += 1;
    context.used?.();
  }

  /** To a replica; undefined while there is none. */
  begin(): (Decision & { kind: "forward" }) | undefined {
    const member = this.#context.traffic.enter(this);
    if (!member) return undefined;
    this.#member = member;
    return { kind: "forward", upstream: member.upstream, session: "", course: this };
  }

  failed(
    what: UpstreamFailure,
    repeatable: boolean,
    untouched: boolean,
  ): Upstream | LaterUpstream | undefined {
    const { traffic, metrics, clock, later } = this.#context;
    const member = this.#member;
    if (!member) return undefined;
    metrics.failed(what);
    traffic.failed(member);
    if (!repeatable || (!untouched && this.#resends >= resendsLimit)) return undefined;
    if (!untouched) this.#resends += 1;
    const tried = (this.#tried ??= []);
    tried.push(member);
    this.#failedAt = clock.monotonic();
    if (tried.length < triesLimit) {
      const next = this.#enter(tried);
      if (next) return next;
    }
    const waiting = this.#kind === "request" ? later(this) : undefined;
    if (waiting) this.#leave();
    return waiting;
  }

  /** For one that waits: a replica that has not failed it, or not just now. */
  again(): Upstream | undefined {
    const tried = this.#tried ?? [];
    const isLong = this.#context.clock.monotonic() - this.#failedAt >= againMs;
    if (isLong) tried.length = 0;
    return this.#enter(tried);
  }

  #enter(except: readonly Member[]): Upstream | undefined {
    const { traffic, metrics } = this.#context;
    const next = traffic.enter(this, except);
    if (!next) return undefined;
    this.#leave();
    this.#member = next;
    metrics.retried();
    return next.upstream;
  }

  #leave(): void {
    if (this.#member) this.#context.traffic.leave(this.#member, this);
    this.#member = undefined;
  }

  answered(status: number): void {
    const { traffic, metrics } = this.#context;
    if (this.#member) traffic.answered(this.#member, status);
    if (status !== 101) return;
    this.#isSocket = true;
    metrics.sockets += 1;
  }

  ended(status: number): void {
    const { traffic, metrics, clock, used } = this.#context;
    this.#leave();
    metrics.count(status, this.#method);
    if (this.#isSocket) metrics.sockets -= 1;
    else metrics.lasted((clock.monotonic() - this.#startedAt) / 1000);
    if (this.#kind === "probe") return;
    traffic.uses -= 1;
    used?.();
  }
}
