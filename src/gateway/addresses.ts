// The names under which this machine is reached, and the origins that are shown for its ports.
import { hostname, networkInterfaces } from "node:os";

const loopback = ["127.0.0.1", "localhost", "[::1]"];

/** Host names that browsers may use, ports aside; any other is a rebinding attempt. */
export function listNames(host: string): ReadonlySet<string> {
  if (!isWildcard(host)) return new Set([...loopback, bracketed(host)]);
  const own = Object.values(networkInterfaces()).flatMap((found) =>
    (found ?? []).map(({ address }) => bracketed(address)),
  );
  return new Set([...loopback, ...own, hostname().toLowerCase()]);
}

/** The origin that is shown where no visitor says by which name it came; null without a port. */
export function originOf(host: string, port: number | undefined): string | null {
  if (port === undefined) return null;
  return `http://${isWildcard(host) ? hostname().toLowerCase() : bracketed(host)}:${port}`;
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host.replace(/%.*$/, "")}]` : host.toLowerCase();
}
