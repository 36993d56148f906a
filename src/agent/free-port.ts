// A port of loopback that nothing listens on now, for a process that is about to.
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports from which systems give one to each outgoing connection (Linux 32768, RFC 6335 49152). */
const range = { from: 20_000, to: 32_768 };
const tries = 20;

/** Whoever takes it first has it: the process that wanted it then fails, and is given another. */
export async function freePort(): Promise<number> {
  for (let count = 0; count < tries; count += 1) {
    const port = await listenOnce(randomInt(range.from, range.to)).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return listenOnce(0);
}

/** The first from `from` upwards that nothing listens on, none of `reserved`. */
export async function findFreePort(host: string, from: number, reserved: readonly number[]): Promise<number> {
  for (let port = from; port < 65_536; port += 1) {
    if (reserved.includes(port)) continue;
    const found = await listenOnce(port, host).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return listenOnce(0, host);
}

function listenOnce(wanted: number, host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, host, () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === "object" && address) resolve(address.port);
        else reject(new Error("no address"));
      });
    });
  });
}
