// The packet that wakes a machine, as it arrives at a socket of this one.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { buildMagicPacket, listBroadcasts } from "../commands/magic-packet.ts";
import { sendWakePacket } from "./wake-on-lan.ts";

const mac = "04:7c:16:aa:bb:cc";

test("six bytes of ones, then the address sixteen times", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const arrived = once(socket, "message") as Promise<[Buffer]>;
  await sendWakePacket(mac, { addresses: ["127.0.0.1"], port: socket.address().port });
  const [packet] = await arrived;
  socket.close();
  expect(packet.toString("hex")).toBe("ff".repeat(6) + "047c16aabbcc".repeat(16));
});

test("an address that cannot be reached holds up no other", async () => {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const arrived = once(socket, "message");
  await sendWakePacket(mac, {
    addresses: ["not-an-address.invalid", "127.0.0.1"],
    port: socket.address().port,
  });
  await arrived;
  socket.close();
});

test("what is no hardware address is a bug, not a packet", () => {
  expect(() => buildMagicPacket("04:7c")).toThrow("no hardware address");
});

test("it goes to every network that the machine is in", () => {
  const info = (address: string, netmask: string, internal = false) => ({
    address,
    netmask,
    internal,
    family: "IPv4" as const,
    mac: "",
    cidr: null,
  });
  const found = listBroadcasts({
    lo: [info("127.0.0.1", "255.0.0.0", true)],
    eth0: [info("192.168.1.7", "255.255.255.0")],
    wifi: [info("10.20.30.40", "255.255.240.0"), { ...info("::1", ""), family: "IPv6" as const, scopeid: 0 }],
  });
  expect(found).toEqual(["255.255.255.255", "192.168.1.255", "10.20.31.255"]);
});
