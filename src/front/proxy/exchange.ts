// Forwards one request to its upstream and relays the response, or opens the tunnel when the answer is 101.
import type { ServerResponse, IncomingMessage } from "node:http";
import { systemCode } from "../../base/errors.ts";
import { buildMessage, sendAnswer } from "./answer.ts";
import type { Client } from "./client.ts";
import type { DoorOptions, Upstream } from "./door.ts";
import { buildForwardedHead } from "./forwarded-head.ts";
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
  client: Client;
  /** What the client sent behind a WebSocket handshake. */
  early: Buffer;
};

export type ExchangeContext = {
  options: DoorOptions;
  pool: UpstreamPool;
  /** The client's connection is free for its next request, or is gone. */
  done(exchange: Exchange): void;
};

const headLimit = 65_536;
const noBytes: Buffer = Buffer.alloc(0);
/** RFC 9110 §9.2.2; methods that are asked again when a kept connection turns out dead. */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
/** A body up to this size is sent in one write with its head. */
const smallBody = 16_384;

export class Exchange implements Receiver {
  readonly session: string;
  readonly client: Client;
  readonly #forwarding: Forwarding;
  readonly #context: ExchangeContext;
  readonly #head: string;
  readonly #repeatable: boolean;
  #connection: UpstreamConnection;
  #received = noBytes;
  #answered = false;
  #requestSent: boolean;
  #response: ResponseHead | undefined;
  #body: ResponseBody | undefined;
  #tunnelled = false;
  #over = false;

  constructor(forwarding: Forwarding, context: ExchangeContext) {
    const { checked, upstream, session, client } = forwarding;
    this.#forwarding = forwarding;
    this.#context = context;
    this.session = session;
    this.client = client;
    this.#head = buildForwardedHead(checked, upstream);
    this.#requestSent = checked.body === undefined || checked.body === 0;
    this.#repeatable = this.#requestSent && idempotent.has(checked.head.method);
    this.#connection = checked.head.upgrade
      ? context.pool.dial(upstream, this)
      : context.pool.acquire(upstream, this, !this.#repeatable);
    this.#connection.socket.write(this.#head, "latin1");
    if (!this.#requestSent) this.#sendBody();
    else if (checked.head.upgrade) this.#holdClient();
  }

  /** The client went away, or is no longer wanted. */
  abort(): void {
    if (this.#over) return;
    if (!this.#tunnelled) this.#connection.destroy(); // a tunnel sees to both its ends
    this.#finish();
  }

  received(bytes: Buffer): void {
    this.#answered = true;
    if (this.#body) this.#relay(bytes);
    else this.#readHead(this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]));
  }

  ended(): void {
    if (this.#response?.framing !== "until-close") this.#connection.socket.destroy();
    else {
      this.#forwarding.response.end();
      this.#complete();
    }
  }

  closed(error: Error | undefined): void {
    const { upstream } = this.#forwarding;
    const { options, pool } = this.#context;
    if (this.#connection.reused && !this.#answered && this.#repeatable) {
      this.#connection = pool.dial(upstream, this);
      this.#connection.socket.write(this.#head, "latin1");
      return;
    }
    const code = systemCode(error);
    if (code === "EMFILE" || code === "ENFILE")
      return this.#fail(503, "Too many connections are open. Try again.");
    options.upstreamFailed?.(upstream);
    if (error instanceof ConnectTimeout) this.#fail(504, "The workload does not answer in time.");
    else this.#fail(502, "The workload does not answer.");
  }

  drained(): void {
    this.#forwarding.request.resume();
  }

  #sendBody(): void {
    const { request, checked } = this.#forwarding;
    const { socket } = this.#connection;
    const chunked = checked.body === "chunked";
    request.on("data", (bytes: Buffer) => {
      if (this.#over) return;
      if (chunked) {
        socket.cork();
        socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
      }
      let more = socket.write(bytes, onceWritten(bytes));
      if (chunked) {
        more = socket.write("\r\n", "latin1");
        socket.uncork();
      }
      if (!more) request.pause();
    });
    request.on("end", () => {
      if (this.#over) return;
      if (chunked) socket.write("0\r\n\r\n", "latin1");
      this.#requestSent = true;
    });
  }

  /** Until the upstream agrees to a WebSocket the client has nothing to say, but may leave. */
  #holdClient(): void {
    const { socket } = this.client;
    socket.once("end", this.#leave);
    socket.once("data", this.#hold);
  }

  readonly #leave = () => this.client.socket.destroy();
  readonly #hold = (bytes: Buffer) => {
    this.#forwarding.early = Buffer.concat([this.#forwarding.early, bytes]);
    this.client.socket.pause();
  };

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
    const { response, checked } = this.#forwarding;
    const bodyless = checked.head.method === "HEAD" || head.status === 204 || head.status === 304;
    if (bodyless) head.framing = 0;
    this.#response = head;
    this.#body = new ResponseBody(head.framing);
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
      this.#connection.socket.pause();
      response.once("drain", () => this.#over || this.#connection.socket.resume());
    }
  }

  #openTunnel(head: ResponseHead, bytes: Buffer): void {
    const { response, checked, early } = this.#forwarding;
    if (!checked.head.upgrade || head.upgrade !== "websocket") return this.#failResponse();
    const { socket } = this.client;
    socket.off("end", this.#leave);
    socket.off("data", this.#hold);
    response.detachSocket(socket);
    this.#tunnelled = true;
    let text = `HTTP/1.1 101 ${head.reason}\r\n`;
    for (let index = 0; index < head.lines.length; index += 2)
      text += `${head.lines[index]}: ${head.lines[index + 1]}\r\n`;
    socket.write(`${text}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, "latin1");
    const { clock, used } = this.#context.options;
    this.#connection.receiver = startTunnel(
      {
        client: socket,
        connection: this.#connection,
        clock,
        used: () => used?.(this.session, "websocket"),
      },
      { client: early, upstream: bytes },
    );
  }

  /** The response is whole and given to the client's connection. */
  #complete(): void {
    const connection = this.#connection;
    const reusable = this.#response?.reusable && this.#response.framing !== "until-close";
    if (reusable && this.#requestSent && !this.#body?.excess) {
      connection.socket.resume();
      this.#context.pool.release(connection);
    } else connection.destroy();
    this.#finish();
  }

  #failResponse(): void {
    this.#fail(502, "The workload's response is not valid HTTP.");
  }

  #fail(status: number, message: string): void {
    const { response } = this.#forwarding;
    this.#connection.destroy();
    if (response.headersSent) this.client.socket.destroy();
    else sendAnswer(response, buildMessage(status, message));
    this.#finish();
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#requestSent) this.#forwarding.request.resume(); // read to its end and forgotten
    this.#context.done(this);
  }
}
