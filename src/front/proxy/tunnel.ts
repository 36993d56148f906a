// Carries raw bytes between a client and an upstream once both speak WebSocket.
import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import type { Receiver, UpstreamConnection } from "./upstream-pool.ts";
import { createFrameWatcher } from "./websocket-frames.ts";

export type TunnelOptions = {
  client: Socket;
  connection: UpstreamConnection;
  clock: Clock;
  /** The client sent a data frame; at most once a second. */
  used: () => void;
};

/** A side that has said goodbye waits this long for the other. */
const halfCloseMs = 30_000;
const usedEveryMs = 1_000;

/**
 * @param early what each side has sent beyond its head already
 * @returns what reads the upstream's side from now on
 */
export function startTunnel(
  { client, connection, clock, used }: TunnelOptions,
  early: { client: Buffer; upstream: Buffer },
): Receiver {
  const upstream = connection.socket;
  const sawData = createFrameWatcher();
  let usedAt = -Infinity;

  const fromClient = (bytes: Buffer) => {
    if (sawData(bytes) && clock.monotonic() - usedAt >= usedEveryMs) {
      usedAt = clock.monotonic();
      used();
    }
    if (!upstream.write(bytes)) client.pause();
  };
  const fromUpstream = (bytes: Buffer) => {
    if (!client.write(Buffer.from(bytes))) upstream.pause();
  };
  const awaitClose = (socket: Socket) => socket.setTimeout(halfCloseMs, () => socket.destroy());

  client.setNoDelay(true);
  client.on("data", fromClient);
  client.on("drain", () => upstream.resume());
  client.on("end", () => {
    upstream.end();
    awaitClose(upstream);
  });
  client.on("close", (hadError) => {
    if (hadError) connection.destroy();
    upstream.destroySoon(); // what the client sent last still arrives
    awaitClose(upstream);
  });
  if (early.upstream.length > 0) fromUpstream(early.upstream);
  if (early.client.length > 0) fromClient(early.client);
  client.resume();
  return {
    connected() {},
    received: fromUpstream,
    drained: () => client.resume(),
    ended() {
      client.end();
      awaitClose(client);
    },
    closed: (error) => (error ? client.destroy() : client.destroySoon()),
  };
}
