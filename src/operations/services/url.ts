// Where people reach a service, as an origin.
import { isIPv6 } from "node:net";
import { isLoopback } from "../../base/loopback.ts";
import type { Context } from "../context.ts";
import { getTarget } from "../machines.ts";

/**
 * Null where it is open on another machine for that machine only, or not up.
 * @param port that it has by its agent's word; that of its last release without it
 */
export function findServiceUrl(context: Context, name: string, port?: number): string | null {
  const placed = context.state.findWorkload(name);
  const rule = placed?.launch.service;
  if (!placed || !rule) return null;
  if (rule.domain) return originOf(rule.domain.name, rule.listen.port);
  const at = port ?? rule.listen.port;
  const scheme = rule.tls ? "https" : "http";
  const { host } = rule.listen;
  const target = getTarget(context, placed.target);
  if (target.type === "local") return `${scheme}://${bracketed(isAny(host) ? "127.0.0.1" : host)}:${at}`;
  if (isLoopback(host)) return null;
  const reached = isAny(host) ? (target.hosts[0]?.address ?? target.hosts[0]?.host ?? host) : host;
  return `${scheme}://${bracketed(reached)}:${at}`;
}

function originOf(domain: string, port: number): string {
  return port === 443 ? `https://${domain}` : `https://${domain}:${port}`;
}

function isAny(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
