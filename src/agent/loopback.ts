// Requests to a process on this machine, with its token.
import process from "node:process";

export type Address = { host: string; port: number; headers: Readonly<Record<string, string>> };

const timeoutMs = 5_000;

/** The status code. @throws a system error when nobody answers */
export function send(
  method: "GET" | "POST",
  address: Address,
  path: string,
  limitMs = timeoutMs,
): Promise<number> {
  return exchange(method, address, path, limitMs).then(({ status }) => status);
}

/** The parsed body of a 200 answer. @throws when the answer is another or no JSON */
export async function getJson(address: Address, path: string): Promise<unknown> {
  const { status, body } = await exchange("GET", address, path);
  if (status !== 200) throw new Error(`${path} answered ${status}`);
  return JSON.parse(body);
}

function exchange(
  method: string,
  { host, port, headers }: Address,
  path: string,
  limitMs = timeoutMs,
): Promise<{ status: number; body: string }> {
  // An import of node:http also loads the client behind `fetch`, 14 MB that stay for as long as the agent runs.
  const { request } = process.getBuiltinModule("node:http");
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(limitMs); // for all of it: a server may answer byte by byte
    const outgoing = request({ method, host, port, path, headers, agent: false, signal }, (incoming) => {
      let body = "";
      incoming.setEncoding("utf8").on("data", (chunk) => (body += chunk));
      incoming.once("end", () => resolve({ status: incoming.statusCode ?? 0, body }));
      incoming.once("error", reject);
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}
