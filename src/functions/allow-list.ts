// Who may ask, by address.
import { BlockList, isIP } from "node:net";
import { SestaError } from "../base/errors.ts";

/**
 * Whether an address is in one of the ranges; an IPv4 address counts as itself when it is mapped into IPv6, too.
 * @param ranges "203.0.113.7/32", "2001:db8::/48"
 * @throws SestaError STATE_DAMAGED where one is no range: nobody would be kept out by it
 */
export function createAllowList(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits = ""] = range.split("/");
    const family = familyOf(network);
    if (!family || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === "ipv4" ? 32 : 128))
      throw new SestaError("STATE_DAMAGED", `"${range}" is no range of addresses.`);
    list.addSubnet(network, Number(bits), family);
  }
  return (address) => {
    const family = familyOf(address);
    return family !== undefined && list.check(address, family);
  };
}

function familyOf(address: string): "ipv4" | "ipv6" | undefined {
  const version = isIP(address);
  if (version === 0) return undefined;
  return version === 4 ? "ipv4" : "ipv6";
}
