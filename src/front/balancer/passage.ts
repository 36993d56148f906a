// One request's way through the balancer: the replica that has it, the next one where that fails, and what is counted.
import type { Clock } from "../../base/clock.ts";
import type { Course, Decision, Upstream, UpstreamFailure } from "../proxy/door.ts";
import type { Load, Traffic } from "./balancer.ts";
import type { Member } from "./member.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

export type PassageContext = {
  traffic: Traffic;
  clock: Clock;
  metrics: ServiceMetrics;
  used: (() => void) | undefined;
};

/** How many replicas are tried that refuse. */
const triesLimit = 5;
/** How often a request is sent again that may have arrived: one that kills whoever reads it shall not kill them all. */
const resendsLimit = 1;

export class Passage implements Course, Load {
  cut: (() => void) | undefined;
  readonly #context: PassageContext;
  readonly #method: string;
  readonly #isProbe: boolean;
  readonly #startedAt: number;
  #member: Member | undefined;
  #tried: Member[] | undefined;
  #resends = 0;
  #isSocket = false;

  /** Counts as in flight, where it is no probe, from now until `ended`. */
  constructor(context: PassageContext, method: string, isProbe: boolean) {
    this.#context = context;
    this.#method = method;
    this.#isProbe = isProbe;
    this.#startedAt = context.clock.monotonic();
    if (isProbe) return;
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

  failed(what: UpstreamFailure, repeatable: boolean, untouched: boolean): Upstream | undefined {
    const { traffic, metrics } = this.#context;
    const member = this.#member;
    if (!member) return undefined;
    metrics.failed(what);
    traffic.failed(member);
    const tried = (this.#tried ??= []);
    tried.push(member);
    if (!repeatable || tried.length >= triesLimit) return undefined;
    if (!untouched && this.#resends >= resendsLimit) return undefined;
    const next = traffic.enter(this, tried);
    if (!next) return undefined;
    if (!untouched) this.#resends += 1;
    traffic.leave(member, this);
    this.#member = next;
    metrics.retried();
    return next.upstream;
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
    if (this.#member) traffic.leave(this.#member, this);
    this.#member = undefined;
    metrics.count(status, this.#method);
    if (this.#isSocket) metrics.sockets -= 1;
    else metrics.lasted((clock.monotonic() - this.#startedAt) / 1000);
    if (this.#isProbe) return;
    traffic.uses -= 1;
    used?.();
  }
}
