// The contract of the front door's proxy: what its owner decides for each request, and what it is told.
import type { Duplex } from "node:stream";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { RequestHead } from "../request-head.ts";

/**
 * A request as `decide` sees it. `host` is as sent, port included, and syntactically valid. `header` joins repeated
 * lines by ", " (Cookie by "; "), so that a repeated Origin or Authorization equals no valid one.
 */
export type DoorRequest = RequestHead & {
  host: string;
  /** Origin-form, as sent: begins with one "/", has no control byte, no fragment, no backslash in its path. */
  target: string;
  /** The address of the socket's other end; IPv4 without the `::ffff:` prefix. Never from a header. */
  remoteAddress: string;
  /** A WebSocket handshake. */
  upgrade: boolean;
  /** The length that its body has in bytes; undefined when there is none. */
  body: number | "chunked" | undefined;
};

export type Upstream = {
  host: string;
  port: number;
  /** A Unix socket that is dialled instead. */
  path?: string;
  /** Set on every request that is forwarded, in place of what the client sent under these names. */
  headers: Readonly<Record<string, string>>;
};

export type Decision =
  /** The door's own pages answer. */
  | { kind: "local" }
  /** Answered at once, also for a WebSocket handshake, before anything is dialled. */
  | {
      kind: "refuse";
      status: number;
      body: string;
      contentType: string;
      headers?: Readonly<Record<string, string>>;
    }
  /** `session` is what `dropSessions` and `used` know it by. */
  | { kind: "forward"; upstream: Upstream; session: string; course?: Course }
  /**
   * Decided later, by the function that `wait` is given, which may also be called at once; the body stays unread until
   * then. `wait` returns what is called when the client goes away before.
   */
  | { kind: "hold"; session: string; wait(decided: (decision: Decision) => void): () => void };

/** Follows one forwarded request for an owner that has several upstreams. Without one, a failure is the answer. */
export type Course = {
  /** Set by the door: ends the request, answered 504 if no answer has begun. */
  cut: (() => void) | undefined;
  /**
   * Its upstream failed. `repeatable`: the request may go to another one, since no byte of it arrived (`untouched`), or
   * since its method is idempotent and no byte of an answer came. Returns that other one, or what waits for one.
   */
  failed(
    what: UpstreamFailure,
    repeatable: boolean,
    untouched: boolean,
  ): Upstream | LaterUpstream | undefined;
  /** The upstream's answer has begun, 101 included. */
  answered(status: number): void;
  /** The last call. `status` is what the client got, 499 when it left before. */
  ended(status: number): void;
};

export type LaterUpstream = {
  /** `found` is called once, with undefined when there is none. @returns what is called when the client goes away */
  wait(found: (upstream: Upstream | undefined) => void): () => void;
};

/** Not connected, connected too late, broken off, no answer in time, no HTTP. */
export type UpstreamFailure = "refused" | "unreachable" | "reset" | "silent" | "invalid";

export type DoorOptions = {
  /** Called once for every well-formed request; synchronous and cheap. Throwing answers 500. */
  decide(request: DoorRequest): Decision;
  /** Answers a request that was decided "local". */
  local(request: IncomingMessage, response: ServerResponse): void;
  /** The client sent a WebSocket data frame; at most once a second for each socket. */
  used?(session: string, what: "websocket"): void;
  /** The upstream refused, reset, or did not accept in time, and the request had no `course`. */
  upstreamFailed?(upstream: Upstream): void;
  /** The door answered what was no acceptable request, and asked nobody. */
  malformed?(status: number): void;
  /** How long an upstream may take to begin its answer, from the whole request on; without it, for ever. */
  responseMs?(): number;
  /** The longest body of a request that is sent without a length. */
  maxBodyBytes?(): number;
  /** What becomes of the headers by which a client says who it is and where it comes from. */
  identity?: IdentityRule;
  /** What stands behind the door, in the answers that the door gives itself: "The workload" unless said. */
  behind?: string;
  /** Whatever its method, a request may be sent again where no byte of an answer came. */
  repeatsAll?(): boolean;
  clock: Clock;
  log: Log;
  /** PEM. Without it the door speaks plain HTTP. */
  tls?: { cert: string; key: string };
  limits?: Partial<DoorLimits>;
};

export type IdentityRule = {
  /** The client's Authorization goes on. */
  authorization: boolean;
  /** X-Forwarded-* and Forwarded of the client are added to; otherwise they are replaced. */
  trust: boolean;
  /** X-Forwarded-Port and Forwarded go upstream too. */
  whole: boolean;
};

export type DoorLimits = {
  /** A request's head must be complete after this. */
  headersMs: number;
  /** A request's body may stand still for this long. */
  bodyIdleMs: number;
  /** An idle client connection is kept for this long. */
  keepAliveMs: number;
  connectMs: number;
};

export type Door = {
  /** Resolves with the port that was bound; `port` 0 takes a free one. */
  listen(port: number, host: string): Promise<number>;
  /** Takes a connection that somebody else has accepted, instead of listening or beside it. */
  accept(socket: Duplex): void;
  /** New connections get this certificate; nothing for a door that speaks plain HTTP. */
  renew(tls: { cert: string; key: string }): void;
  /** Stops listening and ends every connection at once. */
  close(): Promise<void>;
  /** Ends the open sockets and the requests in flight of these sessions at once. */
  dropSessions(match: (session: string) => boolean): void;
  /** Ends the idle connections to an upstream that gets no more requests. */
  forget(upstream: Upstream): void;
};
