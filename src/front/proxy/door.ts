// The contract of the front door's proxy: what its owner decides for each request, and what it is told.
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
  | { kind: "forward"; upstream: Upstream; session: string };

export type DoorOptions = {
  /** Called once for every well-formed request; synchronous and cheap. Throwing answers 500. */
  decide(request: DoorRequest): Decision;
  /** Answers a request that was decided "local". */
  local(request: IncomingMessage, response: ServerResponse): void;
  /** The client sent a WebSocket data frame; at most once a second for each socket. */
  used?(session: string, what: "websocket"): void;
  /** The upstream refused, reset, or did not accept in time. */
  upstreamFailed?(upstream: Upstream): void;
  clock: Clock;
  log: Log;
  /** PEM. Without it the door speaks plain HTTP. */
  tls?: { cert: string; key: string };
  limits?: Partial<DoorLimits>;
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
  /** Stops listening and ends every connection at once. */
  close(): Promise<void>;
  /** Ends the open sockets and the requests in flight of these sessions at once. */
  dropSessions(match: (session: string) => boolean): void;
};
