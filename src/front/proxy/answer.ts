// What the door itself answers when it cannot or will not forward: a status and one JSON message.
import { STATUS_CODES, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export type Answer = {
  status: number;
  body: string;
  contentType: string;
  headers?: Readonly<Record<string, string>>;
};

export function buildMessage(status: number, message: string): Answer {
  return { status, body: `${JSON.stringify({ message })}\n`, contentType: "application/json" };
}

export function sendAnswer(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...answer.headers,
    "Content-Type": answer.contentType,
    "Content-Length": Buffer.byteLength(answer.body),
  });
  response.end(answer.body);
}

/** For a socket on which no request could be read; ends the connection. */
export function sendRawAnswer(socket: Duplex, { status, body, contentType }: Answer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nContent-Type: ${contentType}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
