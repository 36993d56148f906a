// Wake-on-LAN: the packet that a sleeping network card waits for, and where it is sent.
import type { NetworkInterfaceInfo } from "node:os";

/** Six bytes of ones, then the hardware address sixteen times (AMD, "Magic Packet Technology", 1995). */
export function buildMagicPacket(mac: string): Buffer {
  const address = Buffer.from(mac.replaceAll(/[:-]/g, ""), "hex");
  if (address.length !== 6) throw new Error(`${mac} is no hardware address`);
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array.from({ length: 16 }, () => address)]);
}

/** The broadcast address of every network that this machine is in; 255.255.255.255 reaches one of them alone. */
export function listBroadcasts(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): string[] {
  const found = Object.values(interfaces)
    .flatMap((infos) => infos ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address, netmask }) => {
      const [own, mask] = [address, netmask].map((text) => text.split(".").map(Number)) as [
        number[],
        number[],
      ];
      return own.map((byte, index) => byte | (~(mask[index] ?? 255) & 255)).join(".");
    });
  return [...new Set(["255.255.255.255", ...found])];
}
