// EC2 on loopback with one instance at a time, which checks signatures and rights: moto's server, behind a proxy that counts and refuses.
import { once } from "node:events";
import { createServer, request as ask, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { findMoto, startMoto } from "./moto.ts";

type Served = { url: string; id: string; secret: string; token: string };
export type InstanceState = { instance: string; state: string; tags: Record<string, string>; host: string };

export type Ec2Server = Served & {
  /** moto itself, which no refusal comes before. */
  direct: string;
  /** The actions that were asked for, in order. */
  asked: string[];
  /** Every request's bytes, heads and bodies. */
  seen: string[];
  /** Answers in the place of EC2's: the code of an error, or "reset" for a connection that breaks. */
  refusals: Map<string, { code: string; status: number; times: number }>;
  /** "next" (another instance, in the place of the one before), "look", "stop", "start 0" (seconds from now), "terminate", "state stopping" */
  act(what: string): Promise<InstanceState>;
  end(): Promise<void>;
};

/** What starts one, or why there is none. */
export function findEc2Server(): (() => Promise<Ec2Server>) | string {
  const found = findMoto();
  return typeof found === "string" ? found : () => start(found.python);
}

async function start(python: string): Promise<Ec2Server> {
  const server = startMoto(python, "ec2.py");
  const lines = server.lines[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("EC2's server has ended");
    return JSON.parse(value) as unknown;
  };
  const served = (await read()) as Served;
  const [asked, seen, refusals]: [string[], string[], Ec2Server["refusals"]] = [[], [], new Map()];
  const proxy = createServer(async (request, response) => {
    const body = await text(request);
    const action = new URLSearchParams(body).get("Action") ?? "";
    asked.push(action);
    seen.push(`${request.url}\n${request.rawHeaders.join("\n")}\n${body}`);
    const refusal = refusals.get(action);
    if (refusal && refusal.times > 0) {
      refusal.times -= 1;
      if (refusal.code === "reset") request.socket.destroy();
      else response.writeHead(refusal.status, { "content-type": "text/xml" }).end(errorOf(refusal.code));
      return;
    }
    const answer = await pass(served.url, request, body);
    answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    ...served,
    direct: served.url,
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    seen,
    refusals,
    async act(what) {
      server.tell(what);
      return (await read()) as InstanceState;
    },
    async end() {
      proxy.close();
      proxy.closeAllConnections();
      await server.end();
    },
  };
}

/** With the host that was signed. */
async function pass(url: string, { headers }: IncomingMessage, body: string): Promise<IncomingMessage> {
  const request = ask(url, { method: "POST", headers });
  request.end(body);
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  return answer;
}

/** As EC2 writes it. (Amazon EC2 API Reference, "Error codes") */
function errorOf(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error><Code>${code}</Code><Message>Request limit exceeded &amp; more.</Message></Error></Errors><RequestID>5c4b0b5e</RequestID></Response>`;
}
