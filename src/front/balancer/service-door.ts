// A service's own port: who shows the token passes to a replica; a request for one that sleeps is held while it wakes.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { State } from "../../model/words.ts";
import { isKnownHost } from "../host.ts";
import { createDoorServer } from "../proxy/door-server.ts";
import type { Decision, Door, DoorLimits, DoorRequest } from "../proxy/door.ts";
import type { Balancer } from "./balancer.ts";
import { showsToken } from "./bearer.ts";
import { createHolder } from "./holder.ts";
import { Passage, type PassageContext } from "./passage.ts";
import { createServiceMetrics, metricsType } from "./service-metrics.ts";

export type ServiceDoorOptions = {
  balancer: Balancer;
  clock: Clock;
  log: Log;
  /** Of the service; for answers and metrics. */
  name: string;
  /** PEM. Without it the door speaks plain HTTP. */
  tls?: { cert: string; key: string };
  /** Requests for another host are refused (421); undefined: it answers to any name. */
  domain?: string;
  /** SHA-256 of the token that `Authorization: Bearer` must show; null: open to whoever reaches it. */
  tokenDigest: () => Buffer | null;
  /** Answered by the door itself; null: passed on. Read for each request, as is `healthPath`. */
  readonly metricsPath: string | null;
  /** Probes of it neither count as use nor wake; while it is not awake they get 503 with the state. */
  readonly healthPath: string;
  state(): { state: State; why: string };
  /** A request came for a service that sleeps; called as often as requests come. May reject: then they are answered 503. */
  wake(): Promise<void>;
  /** How long a request is held while it wakes, in ms. */
  holdMs: () => number;
  /** How many requests are held at once; 1,000 unless said. */
  maxHeld?: () => number;
  /** Longest body in bytes. */
  maxBodyBytes: () => number;
  /** X-Forwarded-* and Forwarded that come in are added to; otherwise they are replaced. */
  trustForwarded?: boolean;
  /** A request that counts as use began or ended. */
  used?(): void;
  /** How long the upstream may take to begin its answer, from the end of the request on; 60 s unless said. */
  responseMs?: () => number;
  /** Whatever its method, a request may be sent to another replica where no byte of an answer came. */
  repeatsAll?: () => boolean;
  limits?: Partial<DoorLimits>;
};

export type ServiceDoor = Pick<Door, "listen" | "accept" | "renew" | "close"> & {
  /** In the Prometheus text format 0.0.4. */
  metrics(): string;
  /** Something about state or replicas changed: held requests look again. */
  changed(): void;
};

/** Replicas are on the same machine: one that does not take a connection by then will not. */
const connectMs = 3_000;

export function createServiceDoor(options: ServiceDoorOptions): ServiceDoor {
  const { balancer, clock, log, name, tls } = options;
  const metrics = createServiceMetrics(name, balancer, () => holder.size());
  const holder = createHolder(options, refuseState);
  const passages: PassageContext = {
    traffic: balancer.traffic,
    clock,
    metrics,
    used: options.used,
    later: holder.later,
  };
  const hosts = options.domain === undefined ? undefined : new Set([options.domain]);
  const count = (status: number, method?: string) => metrics.count(status, method);

  const decide = (request: DoorRequest): Decision => {
    const { method, target, body } = request;
    if (hosts && !isKnownHost(request.host, hosts)) {
      count(421, method);
      return refuse(421, { message: "This address belongs to another host." });
    }
    const digest = options.tokenDigest();
    if (digest && !showsToken(request.header("authorization"), digest)) {
      count(401, method);
      return refuse(401, { message: "A token is needed: Authorization: Bearer TOKEN" }, bearer);
    }
    const reads = method === "GET" || method === "HEAD";
    if (reads && options.metricsPath !== null && isPath(target, options.metricsPath))
      return { kind: "refuse", status: 200, body: metrics.text(), contentType: metricsType };
    if (typeof body === "number" && body > options.maxBodyBytes()) {
      count(413, method);
      return refuse(413, { message: `The request's body is longer than ${options.maxBodyBytes()} bytes.` });
    }
    const isProbe = reads && isPath(target, options.healthPath) && !request.upgrade;
    if (isProbe) {
      const { state, why } = options.state();
      if (state !== "awake") {
        count(503, method);
        return refuseState(state, why);
      }
    }
    const passage = new Passage(
      passages,
      method,
      isProbe ? "probe" : request.upgrade ? "websocket" : "request",
    );
    const forward = passage.begin();
    if (forward) {
      holder.passing();
      return forward;
    }
    if (!isProbe) return hold(passage);
    passage.ended(503);
    return refuse(503, { message: `${name} has no replica that runs.`, state: "awake" });
  };

  const hold = (passage: Passage): Decision => {
    try {
      return holder.hold(passage);
    } catch (error) {
      passage.ended(500);
      throw error;
    }
  };

  function refuseState(state: State, why: string): Decision {
    const seconds = state === "failed" || state === "absent" ? "60" : "5";
    const message = why === "" ? `${name} is ${state}.` : `${name} is ${state}: ${why}`;
    return refuse(503, { message, state }, { "Retry-After": seconds });
  }

  const door = createDoorServer({
    decide,
    local: (_request, response) => response.writeHead(404).end(),
    malformed: (status) => count(status),
    responseMs: options.responseMs ?? (() => 60_000),
    ...(options.repeatsAll && { repeatsAll: options.repeatsAll }),
    maxBodyBytes: options.maxBodyBytes,
    identity: {
      get authorization() {
        return options.tokenDigest() === null; // it is the app's, where it is not the door's
      },
      trust: options.trustForwarded === true,
      whole: true,
    },
    behind: name,
    clock,
    log,
    ...(tls && { tls }),
    limits: { connectMs, ...options.limits },
  });
  balancer.traffic.onIdle = door.forget;
  return {
    listen: door.listen,
    accept: door.accept,
    renew: door.renew,
    close() {
      holder.close();
      return door.close();
    },
    metrics: metrics.text,
    changed: holder.look,
  };
}

const bearer = { "WWW-Authenticate": "Bearer" };

function refuse(
  status: number,
  body: { message: string; state?: State },
  headers: Readonly<Record<string, string>> = {},
): Decision {
  return {
    kind: "refuse",
    status,
    body: `${JSON.stringify(body)}\n`,
    contentType: "application/json",
    headers,
  };
}

function isPath(target: string, path: string): boolean {
  return target.startsWith(path) && (target.length === path.length || target[path.length] === "?");
}
