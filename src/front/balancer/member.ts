// One replica as its balancer knows it: what is in flight there and how it has done so far.
import type { Clock } from "../../base/clock.ts";
import type { Upstream } from "../proxy/door.ts";
import type { Load, ReplicaView } from "./balancer.ts";

export class Member {
  readonly id: string;
  readonly upstream: Upstream;
  readonly loads = new Set<Load>();
  routed = true;
  healthy = true;
  requests = 0;
  failures = 0;
  /** Failures since its last answer. */
  failuresInRow = 0;
  /** Answers of 500 and above since its last other one. */
  errorsInRow = 0;
  /** On the clock's monotonic time. */
  ejectedUntil = 0;
  /** How often it was ejected lately, which makes the next time longer. */
  ejections = 0;
  /** Told when nothing is in flight any more and nothing new will be. */
  readonly emptied: (() => void)[] = [];

  constructor(id: string, upstream: Upstream) {
    this.id = id;
    this.upstream = upstream;
  }

  view(clock: Clock): ReplicaView {
    const { id, healthy, routed, requests, failures, ejectedUntil, loads } = this;
    return {
      id,
      healthy,
      ejectedUntil: ejectedUntil > clock.monotonic() ? ejectedUntil : null,
      inFlight: loads.size,
      requests,
      failures,
      routed,
    };
  }
}
