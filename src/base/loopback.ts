// Whether an address is this machine's own.
import { isIPv4 } from "node:net";

/** 127.0.0.0/8 (RFC 1122, 3.2.1.3), ::1 however it is written, and `localhost`. */
export function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  if (isIPv4(host)) return host.startsWith("127.");
  return /^[0:]*:0*1$/.test(host);
}
