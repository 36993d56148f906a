// Chooses which replica of a service takes a request, counts what is in flight on each, and drains the old ones.
import type { Clock } from "../../base/clock.ts";
import type { Upstream } from "../proxy/door.ts";
import { createOutlierRule, type OutlierOptions } from "./outlier.ts";
import { Member } from "./member.ts";

export type Replica = {
  /** Unique among all starts ever. */
  id: string;
  upstream: Upstream;
};

export type Balancer = {
  /** From now on new requests go to these only; what is in flight elsewhere goes on. */
  route(replicas: readonly Replica[]): void;
  /** An active health check's word. An unhealthy one gets nothing new while a healthy one is there. */
  mark(id: string, healthy: boolean): void;
  /**
   * Nothing new goes there any more. Resolves with 0 when nothing is in flight there, or after `timeoutMs` cuts what is
   * left and resolves with its count. WebSockets count.
   */
  drain(id: string, timeoutMs: number): Promise<number>;
  /** Requests and WebSockets of this service now, held ones included; health probes not. */
  inFlight(): number;
  /** Those that are routed to, and those that still have something in flight. */
  replicas(): readonly ReplicaView[];
  /** For the service's door. */
  readonly traffic: Traffic;
};

export type ReplicaView = {
  id: string;
  healthy: boolean;
  /** On the clock's monotonic time; null while it gets its share. */
  ejectedUntil: number | null;
  inFlight: number;
  requests: number;
  failures: number;
  /** New requests may go there. */
  routed: boolean;
};

/** What a door asks for and reports, for each request. */
export type Traffic = {
  /** The replica that takes the next request, none of `except` if possible; counted as in flight there until `leave`. */
  enter(load: Load, except?: readonly Member[]): Member | undefined;
  leave(member: Member, load: Load): void;
  /** It answered; 5xx may tell against it. */
  answered(member: Member, status: number): void;
  /** It refused, reset, was silent for too long or spoke no HTTP. */
  failed(member: Member): void;
  /** Requests that count as use, from their arrival at the door to their end. */
  uses: number;
  /** Called when nothing is in flight any more on a replica that gets nothing new. */
  onIdle: ((upstream: Upstream) => void) | undefined;
};

/** Something that is in flight on a replica. `cut`: the time to drain is over. */
export type Load = { cut: (() => void) | undefined };

export function createBalancer(options: { clock: Clock; outlier?: Partial<OutlierOptions> }): Balancer {
  const { clock } = options;
  const rule = createOutlierRule(options.outlier);
  const known = new Map<string, Member>();
  let routed: readonly Member[] = [];
  let turn = 0;

  const forgetIdle = (member: Member) => {
    if (member.routed || member.loads.size > 0) return;
    known.delete(member.id);
    for (const tell of member.emptied.splice(0)) tell();
    traffic.onIdle?.(member.upstream);
  };
  const retire = (member: Member) => {
    member.routed = false;
    routed = routed.filter((one) => one !== member);
    forgetIdle(member);
  };

  const traffic: Traffic = {
    uses: 0,
    onIdle: undefined,
    enter(load, except) {
      if (!except) turn += 1;
      const now = rule.ejections > 0 ? clock.monotonic() : 0;
      const member =
        choose(routed, turn, except, now) ??
        choose(routed, turn, except, Infinity) ??
        choose(routed, turn, except, undefined);
      if (!member) return undefined;
      member.requests += 1;
      member.loads.add(load);
      return member;
    },
    leave(member, load) {
      member.loads.delete(load);
      if (!member.routed) forgetIdle(member);
    },
    answered: (member, status) => rule.answered(member, status, routed, clock),
    failed: (member) => rule.failed(member, routed, clock),
  };

  return {
    traffic,
    route(replicas) {
      const next = replicas.map(({ id, upstream }) => {
        const member = known.get(id) ?? new Member(id, upstream);
        known.set(id, member);
        return member;
      });
      const gone = routed.filter((member) => !next.includes(member));
      for (const member of next) member.routed = true;
      routed = next;
      for (const member of gone) retire(member);
    },
    mark(id, healthy) {
      const member = known.get(id);
      if (member) member.healthy = healthy;
    },
    async drain(id, timeoutMs) {
      const member = known.get(id);
      if (!member) return 0;
      retire(member);
      if (member.loads.size === 0) return 0;
      const over = new AbortController();
      const emptied = new Promise<void>((resolve) => member.emptied.push(resolve));
      const timedOut = clock.sleep(timeoutMs, over.signal).catch(() => undefined);
      await Promise.race([emptied, timedOut]);
      over.abort();
      if (member.routed) return 0; // it was taken back meanwhile
      const left = [...member.loads];
      for (const load of left) load.cut?.();
      return left.length;
    },
    inFlight: () => traffic.uses,
    replicas: () => [...known.values()].map((member) => member.view(clock)),
  };
}

/**
 * Fewest in flight; among equals whose turn it is, so that few requests are spread too.
 * @param now who is ejected until later than this is passed over; undefined: whatever its health
 */
function choose(
  members: readonly Member[],
  turn: number,
  except: readonly Member[] | undefined,
  now: number | undefined,
): Member | undefined {
  let best: Member | undefined;
  const { length } = members;
  for (let step = 0; step < length; step += 1) {
    const member = members[(turn + step) % length];
    if (!member || (best && member.loads.size >= best.loads.size)) continue;
    if (now !== undefined && (!member.healthy || member.ejectedUntil > now)) continue;
    if (!except?.includes(member)) best = member;
  }
  return best;
}
