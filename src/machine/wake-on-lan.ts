// Sends the packet that wakes a machine over the network.
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { buildMagicPacket, listBroadcasts } from "../commands/magic-packet.ts";

/** The port is that of the discard protocol; network cards look at the content alone. */
const discardPort = 9;

type WakePlace = { addresses?: readonly string[]; port?: number };

/** Nobody answers such a packet, so there is nothing to fail: an interface that cannot send it is left out. */
export async function sendWakePacket(
  mac: string,
  { addresses = listBroadcasts(networkInterfaces()), port = discardPort }: WakePlace = {},
): Promise<void> {
  const packet = buildMagicPacket(mac);
  const socket = createSocket("udp4");
  socket.on("error", () => undefined);
  try {
    await new Promise<void>((resolve) => socket.bind(0, resolve));
    socket.setBroadcast(true);
    for (const address of addresses)
      await new Promise<void>((resolve) => socket.send(packet, port, address, () => resolve()));
  } finally {
    socket.close();
  }
}
