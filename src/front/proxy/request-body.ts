// A request's body on its way upstream: unread until somebody takes it, and kept while another one may have to.
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { onceWritten } from "./written.ts";

export type BodyRule = {
  chunked: boolean;
  /** Up to so many bytes are kept so that they can be sent again; 0: what was sent once is gone. */
  keepBytes: number;
  /** The longest body. */
  maxBytes: number;
  /** It was longer; nothing more of it is read. */
  tooLong(): void;
  /** All of it was given to the upstream. */
  sent(): void;
};

export class RequestBody {
  /** All that came so far is still here, so that another upstream can be given the same. */
  repeatable = true;
  readonly #request: IncomingMessage;
  readonly #rule: BodyRule;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #bytes = 0;
  #whole = false;
  #over = false;
  #socket: Socket | undefined;

  constructor(request: IncomingMessage, rule: BodyRule) {
    this.#request = request;
    this.#rule = rule;
    request.on("data", (bytes: Buffer) => this.#take(bytes));
    request.on("end", () => {
      this.#whole = true;
      if (this.#socket && !this.#over) this.#end(this.#socket);
    });
  }

  /** Gives `socket` the request's head, the body so far in the same write, and what comes from now on. */
  sendTo(socket: Socket, head: string): void {
    this.#socket = socket;
    socket.cork();
    socket.write(head, "latin1");
    const pieces = this.#kept;
    if (this.#rule.keepBytes === 0) this.#forget();
    for (const bytes of pieces) this.#write(socket, bytes);
    if (this.#whole) this.#end(socket);
    socket.uncork();
    this.#request.resume();
  }

  /** Its upstream failed; reading stops until there is another. */
  detach(): void {
    this.#socket = undefined;
  }

  drained(): void {
    if (this.#socket) this.#request.resume();
  }

  /** What is still to come is read to its end and forgotten. */
  abandon(): void {
    this.#over = true;
    this.#kept = [];
    if (!this.#whole) this.#request.resume();
  }

  #take(bytes: Buffer): void {
    if (this.#over) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#rule.maxBytes) return this.#rule.tooLong();
    const socket = this.#socket;
    if (this.repeatable && (!socket || this.#keptBytes + bytes.length <= this.#rule.keepBytes)) {
      this.#kept.push(bytes);
      this.#keptBytes += bytes.length;
    } else this.#forget();
    if (!socket) this.#request.pause();
    else if (!this.#write(socket, bytes)) this.#request.pause();
  }

  #forget(): void {
    this.repeatable = false;
    this.#kept = [];
  }

  #write(socket: Socket, bytes: Buffer): boolean {
    const written = this.repeatable ? undefined : onceWritten(bytes);
    if (!this.#rule.chunked) return socket.write(bytes, written);
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    socket.write(bytes, written);
    const more = socket.write("\r\n", "latin1");
    socket.uncork();
    return more;
  }

  #end(socket: Socket): void {
    if (this.#rule.chunked) socket.write("0\r\n\r\n", "latin1");
    this.#rule.sent();
  }
}
