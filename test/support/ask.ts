// One HTTP request with exactly these headers: Host, Origin and Cookie as a test wants them, nothing added, nothing followed.
import { request, type IncomingHttpHeaders } from "node:http";

export type Asked = { status: number; headers: IncomingHttpHeaders; body: string };
export type AskOptions = { method?: string; headers?: Record<string, string>; body?: string };

/** An upgrade that is accepted answers 101, and is closed at once. */
export function ask(url: string, { method = "GET", headers = {}, body }: AskOptions = {}): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (piece) => (text += piece));
      incoming.once("end", () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }),
      );
      incoming.once("error", reject);
    });
    outgoing.once("upgrade", (incoming, socket) => {
      socket.destroy();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: "" });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

/** The headers of a WebSocket's handshake. */
export const handshake = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};
