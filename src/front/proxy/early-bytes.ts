// A WebSocket's client until the upstream agrees to it: it has nothing to say, but may leave, or send its first bytes.
import type { Socket } from "node:net";

export type EarlyBytes = {
  /** From now on a client that leaves is let go, and what it sends is kept. */
  hold(): void;
  /** What it sent so far; the socket is its taker's from now on. */
  take(): Buffer;
};

/** @param first what came in one piece with the handshake */
export function createEarlyBytes(socket: Socket, first: Buffer): EarlyBytes {
  let bytes = first;
  let isHeld = false;
  const leave = () => socket.destroy();
  const keep = (more: Buffer) => {
    bytes = Buffer.concat([bytes, more]);
    socket.pause();
  };
  return {
    hold() {
      if (isHeld) return;
      isHeld = true;
      socket.once("end", leave);
      socket.once("data", keep);
    },
    take() {
      socket.off("end", leave);
      socket.off("data", keep);
      return bytes;
    },
  };
}
