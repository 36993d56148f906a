// Forwards one request to an upstream, or to another where the first fails, and relays the response or opens the tunnel.
import type { ServerResponse, IncomingMessage } from "node:http";
import { systemCode } from "../../base/errors.ts";
import { buildMessage, sendAnswer } from "./answer.ts";
import type { Client, Errand } from "./client.ts";
import type { Course, DoorOptions, Upstream, UpstreamFailure } from "./door.ts";
import type { EarlyBytes } from "./early-bytes.ts";
import { buildForwardedHead } from "./forwarded-head.ts";
import { RequestBody } from "./request-body.ts";
import type { CheckedRequest } from "./request-check.ts";
import { ResponseBody } from "./response-body.ts";
import { findHeadEnd, parseResponseHead, type ResponseHead } from "./response-head.ts";
import { onceWritten } from "./written.ts";
import { startTunnel } from "./tunnel.ts";
import {
  ConnectTimeout,
  type Receiver,
  type UpstreamConnection,
  type UpstreamPool,
} from "./upstream-pool.ts";

export type Forwarding = {
  request: IncomingMessage;
  response: ServerResponse;
  checked: CheckedRequest;
  upstream: Upstream;
  session: string;
  course: Course | undefined;
  client: Client;
  /** Of a WebSocket handshake only. */
  early: EarlyBytes | undefined;
};

export type ExchangeContext = {
  options: DoorOptions;
  pool: UpstreamPool;
  /** The client's connection is free for its next request, or is gone. */
  done(client: Client): void;
};

const headLimit = 65_536;
const noBytes: Buffer = Buffer.alloc(0);
/** RFC 9110 §9.2.2; methods that may be asked again when no byte of an answer came. TRACE is not let in. */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** A body up to this size is sent in one write with its head. */
const smallBody = 16_384;
/** A request's body up to this size is kept until the answer begins, where its method may be asked again. */
const keptBody = 65_536;

export class Exchange implements Receiver, Errand {
  readonly session: string;
  readonly #forwarding: Forwarding;
  readonly #context: ExchangeContext;
  readonly #isIdempotent: boolean;
  readonly #upload: RequestBody | undefined;
  #upstream: Upstream;
  #head: string;
  #connection: UpstreamConnection | undefined;
  /** Bytes of the request were given to a connection that was there: they may have arrived. */
  #written = false;
  #requestSent = false;
  /** On the monotonic clock, when it was first seen that the whole request is sent. */
  #waitsSince: number | undefined;
  /** While it waits for another upstream. */
  #stopWaiting: (() => void) | undefined;
  #received = noBytes;
  #answered = false;
  #response: ResponseHead | undefined;
  #body: ResponseBody | undefined;
  #tunnelled = false;
  #over = false;

  constructor(forwarding: Forwarding, context: ExchangeContext) {
    const { request, checked, upstream, session, course } = forwarding;
    this.#forwarding = forwarding;
    this.#context = context;
    this.session = session;
    this.#upstream = upstream;
    this.#head = this.#buildHead();
    this.#isIdempotent = isIdempotent(checked, context.options);
    if (checked.body !== undefined && checked.body !== 0) {
      const { maxBodyBytes } = context.options;
      this.#upload = new RequestBody(request, {
        chunked: checked.body === "chunked",
        keepBytes: this.#isIdempotent ? keptBody : 0,
        maxBytes: maxBodyBytes ? maxBodyBytes() : Infinity,
        tooLong: () => this.#fail(413, "The request's body is too long."),
        sent: () => (this.#requestSent = true),
      });
    }
    if (course) course.cut = () => this.#cut();
    this.#open(false);
  }

  abort(): void {
    if (this.#over) return;
    if (!this.#tunnelled) this.#connection?.destroy(); // a tunnel sees to both its ends
    this.#finish(this.#response?.status ?? 499);
  }

  watch(now: number): void {
    const limitMs = this.#context.options.responseMs?.();
    if (limitMs === undefined || !this.#requestSent || this.#response || this.#tunnelled) return;
    this.#waitsSince ??= now;
    if (now - this.#waitsSince < limitMs) return;
    this.#tell("silent");
    this.#fail(504, `${this.#behind} did not begin to answer in time.`);
  }

  connected(): void {
    this.#send();
  }

  received(bytes: Buffer): void {
    this.#answered = true;
    if (this.#body) this.#relay(bytes);
    else this.#readHead(this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]));
  }

  ended(): void {
    if (this.#response?.framing !== "until-close") this.#connection?.socket.destroy();
    else {
      this.#forwarding.response.end();
      this.#complete();
    }
  }

  closed(error: Error | undefined): void {
    const { course } = this.#forwarding;
    const { options } = this.#context;
    const isRepeatable =
      !this.#answered &&
      (!this.#written || (this.#isIdempotent && (this.#upload ? this.#upload.repeatable : true)));
    const wasReused = this.#connection?.reused;
    const wasConnected = this.#connection?.connected;
    this.#connection = undefined;
    this.#upload?.detach();
    // A kept connection that its server ended tells nothing of the server.
    if (wasReused && isRepeatable) return this.#open(true);
    const code = systemCode(error);
    if (code === "EMFILE" || code === "ENFILE")
      return this.#fail(503, "Too many connections are open. Try again.");
    const isLate = error instanceof ConnectTimeout;
    if (course) {
      const what = isLate ? "unreachable" : wasConnected ? "reset" : "refused";
      const next = course.failed(what, isRepeatable, !this.#written);
      if (next && "wait" in next) {
        this.#stopWaiting = next.wait((found) => {
          this.#stopWaiting = undefined;
          if (found) this.#turnTo(found);
          else this.#failUpstream(isLate);
        });
        return;
      }
      if (next) return this.#turnTo(next);
    } else options.upstreamFailed?.(this.#upstream);
    this.#failUpstream(isLate);
  }

  drained(): void {
    this.#upload?.drained();
  }

  get #behind(): string {
    return this.#context.options.behind ?? "The workload";
  }

  #buildHead(): string {
    const { checked, client } = this.#forwarding;
    return buildForwardedHead(checked, this.#upstream, this.#context.options.identity, client.seen);
  }

  #turnTo(next: Upstream): void {
    this.#upstream = next;
    try {
      this.#head = this.#buildHead();
    } catch {
      return this.#fail(500, "The front door failed.");
    }
    this.#open(false);
  }

  /** @param fresh not a kept connection, as one just turned out dead */
  #open(fresh: boolean): void {
    const { pool } = this.#context;
    const { upgrade } = this.#forwarding.checked.head;
    this.#written = this.#requestSent = false;
    this.#waitsSince = undefined;
    const connection =
      fresh || upgrade
        ? pool.dial(this.#upstream, this)
        : pool.acquire(this.#upstream, this, !this.#isIdempotent);
    this.#connection = connection;
    if (!connection.reused) return; // the rest when it is connected
    if (this.#isIdempotent && !this.#upload) return this.#send();
    // After the events that the system has reported already: the end of this connection may be among them, and then
    // nothing was sent. Meanwhile a small body arrives, which so leaves in one write with the head.
    setImmediate(() => {
      if (!this.#over && this.#connection === connection) this.#send();
    });
  }

  #send(): void {
    const socket = this.#connection?.socket;
    if (!socket) return;
    this.#written = true;
    if (this.#upload) this.#upload.sendTo(socket, this.#head);
    else {
      socket.write(this.#head, "latin1");
      this.#requestSent = true;
    }
  }

  #readHead(received: Buffer): void {
    const { response, checked } = this.#forwarding;
    let bytes = received;
    for (;;) {
      const end = findHeadEnd(bytes);
      if (end > headLimit || (end === -1 && bytes.length > headLimit)) return this.#failResponse();
      if (end === -1) {
        this.#received = Buffer.from(bytes);
        return;
      }
      const head = parseResponseHead(bytes.toString("latin1", 0, end));
      if (!head) return this.#failResponse();
      bytes = bytes.subarray(end);
      if (head.status === 101) return this.#openTunnel(head, bytes);
      if (head.status >= 200) return this.#begin(head, bytes);
      if (head.status === 100 && checked.expectsContinue) response.writeContinue();
    }
  }

  #begin(head: ResponseHead, bytes: Buffer): void {
    const { response, checked, course } = this.#forwarding;
    const bodyless = checked.head.method === "HEAD" || head.status === 204 || head.status === 304;
    if (bodyless) head.framing = 0;
    this.#response = head;
    this.#body = new ResponseBody(head.framing);
    course?.answered(head.status);
    response.writeHead(head.status, head.reason, head.lines);
    if (bytes.length > 0 || this.#body.done) this.#relay(bytes);
    else response.flushHeaders();
  }

  #relay(bytes: Buffer): void {
    const { response } = this.#forwarding;
    const body = this.#body;
    const parts = body?.take(bytes);
    if (!body || !parts) return this.#failResponse();
    const [only] = parts;
    if (body.done && parts.length <= 1) {
      // As a string it leaves in one piece with the head; latin1 keeps every byte.
      if (only && only.length <= smallBody && typeof this.#response?.framing === "number")
        response.end(only.toString("latin1"), "latin1");
      else response.end(only && Buffer.from(only));
      this.#complete();
      return;
    }
    let more = true;
    for (const part of parts) {
      const copy = Buffer.from(part);
      more = response.write(copy, onceWritten(copy));
    }
    if (body.done) {
      response.end();
      this.#complete();
    } else if (!more) {
      const socket = this.#connection?.socket;
      socket?.pause();
      response.once("drain", () => this.#over || socket?.resume());
    }
  }

  #openTunnel(head: ResponseHead, bytes: Buffer): void {
    const { response, checked, early, client, course } = this.#forwarding;
    const connection = this.#connection;
    if (!connection || !early || !checked.head.upgrade || head.upgrade !== "websocket")
      return this.#failResponse();
    const { socket } = client;
    const earlyBytes = early.take();
    response.detachSocket(socket);
    this.#tunnelled = true;
    this.#response = head;
    course?.answered(101);
    let text = `HTTP/1.1 101 ${head.reason}\r\n`;
    for (let index = 0; index < head.lines.length; index += 2)
      text += `${head.lines[index]}: ${head.lines[index + 1]}\r\n`;
    socket.write(`${text}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, "latin1");
    const { clock, used } = this.#context.options;
    connection.receiver = startTunnel(
      { client: socket, connection, clock, used: () => used?.(this.session, "websocket") },
      { client: earlyBytes, upstream: bytes },
    );
  }

  /** The response is whole and given to the client's connection. */
  #complete(): void {
    const connection = this.#connection;
    const reusable = this.#response?.reusable && this.#response.framing !== "until-close";
    if (connection && reusable && this.#requestSent && !this.#body?.excess) {
      connection.socket.resume();
      this.#context.pool.release(connection);
    } else connection?.destroy();
    this.#finish(this.#response?.status ?? 0);
  }

  #cut(): void {
    if (this.#over) return;
    if (!this.#tunnelled) return this.#fail(504, `${this.#behind} was stopped before it had answered.`);
    this.#connection?.destroy();
    this.#forwarding.client.socket.destroy();
    this.#finish(101);
  }

  #failUpstream(isLate: boolean): void {
    if (isLate) this.#fail(504, `${this.#behind} does not answer in time.`);
    else this.#fail(502, `${this.#behind} does not answer.`);
  }

  #failResponse(): void {
    this.#tell("invalid");
    this.#fail(502, `${this.#behind} did not answer with valid HTTP.`);
  }

  #tell(what: UpstreamFailure): void {
    this.#forwarding.course?.failed(what, false, false);
  }

  #fail(status: number, message: string): void {
    if (this.#over) return;
    const { response, client } = this.#forwarding;
    this.#connection?.destroy();
    if (response.headersSent) client.socket.destroy();
    else sendAnswer(response, buildMessage(status, message));
    this.#finish(this.#response?.status ?? status);
  }

  #finish(status: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWaiting?.();
    this.#upload?.abandon();
    const { course, client } = this.#forwarding;
    if (course) {
      course.cut = undefined;
      course.ended(status);
    }
    this.#context.done(client);
  }
}

/** By its method; by its client's word, as Go's http.Transport reads it (net/http, "Idempotency-Key"); or by its owner's. */
function isIdempotent({ head }: CheckedRequest, { repeatsAll }: DoorOptions): boolean {
  if (idempotent.has(head.method)) return true;
  return repeatsAll?.() === true || head.header("idempotency-key") !== undefined;
}
