// The HTTP server of one worker, and its end: what is being answered is answered, then every connection closes.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createHandler, type Serving } from "./handler.ts";

export type ModelServer = {
  port: number;
  /** Resolves when nothing is left, or after `graceMs` with what is left cut off. */
  stop(graceMs: number): Promise<void>;
};

type Address = {
  host: string;
  port: number;
  /** Other workers listen on the same port, and the kernel spreads connections over them. */
  isShared: boolean;
};

/** @throws the system's own error when it cannot listen */
export async function startServer(
  serving: Omit<Serving, "isStopping">,
  { host, port, isShared }: Address,
): Promise<ModelServer> {
  let isStopping = false;
  const server = createServer(
    { maxHeaderSize: 16_384, requestTimeout: 60_000, headersTimeout: 20_000, keepAliveTimeout: 75_000 },
    createHandler({ ...serving, isStopping: () => isStopping }),
  );
  await listen(server, { host, port, reusePort: isShared });
  return {
    port: (server.address() as AddressInfo).port,
    stop(graceMs) {
      isStopping = true;
      return new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
      });
    },
  };
}

function listen(server: Server, options: { host: string; port: number; reusePort: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}
