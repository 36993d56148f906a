// One client connection: which request it is on, which wait behind it, and whether it may send more.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Seen } from "./origin-lines.ts";

/** What a client's connection is at: a request that is forwarded or held. */
export type Errand = {
  session: string;
  /** The client went away, or is no longer wanted. */
  abort(): void;
  /** Called every quarter of a second or so. @param now monotonic */
  watch(now: number): void;
};

export type Client = {
  socket: Socket;
  remoteAddress: string;
  encrypted: boolean;
  /** The request that is being seen to. */
  errand: Errand | undefined;
  /** Requests that were sent without waiting for the answer; taken one after the other, so that one connection
   * never occupies more than one upstream connection. */
  waiting: (() => void)[];
  /** The last request that was taken. */
  last: { request: IncomingMessage; response: ServerResponse } | undefined;
  /** A refusal ends it: what follows in the same bytes is not looked at. */
  closing: boolean;
  seen: Seen;
};

export function buildClient(socket: Socket): Client {
  const address = socket.remoteAddress ?? "";
  return {
    socket,
    remoteAddress: address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address,
    encrypted: "encrypted" in socket,
    errand: undefined,
    waiting: [],
    last: undefined,
    closing: false,
    seen: { localPort: socket.localPort ?? 0, host: undefined, text: "" },
  };
}

/** Whether bytes that no request could be read from may be answered: never in the place of another answer. */
export function mayAnswerError({ last, waiting }: Client): boolean {
  if (waiting.length > 0) return false;
  if (!last) return true;
  const { request, response } = last;
  return request.complete ? response.writableFinished : !response.headersSent;
}
