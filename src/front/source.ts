// Who is counted as one guesser: the address of the connection itself, never what a header claims.
import { isIPv4, isIPv6 } from "node:net";

/**
 * IPv4 addresses stand for themselves, also when mapped into IPv6; IPv6 counts by /64, which one customer
 * has to himself (RFC 6177). A Unix socket, or a connection that is gone, is "unknown".
 */
export function sourceOf(remoteAddress: string | undefined): string {
  const address = remoteAddress?.replace(/%.*$/, "") ?? "";
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return "unknown";
  const groups = expand(address);
  if (isMapped(groups)) return groups.slice(6).flatMap(bytesOf).join(".");
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")}::/64`;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function expand(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}

function groupsOf(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function isMapped(groups: readonly number[]): boolean {
  return groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
}

function bytesOf(group: number): number[] {
  return [group >> 8, group & 0xff];
}
