// Host headers: the name in one spelling, whether it is ours, and whether it is this machine itself.

/** Whether the Host header names one of `allowed`, ports aside; otherwise the caller answers 421 (DNS rebinding). */
export function isKnownHost(hostHeader: string | undefined, allowed: ReadonlySet<string>): boolean {
  const name = findHostName(hostHeader);
  return name !== undefined && allowed.has(name);
}

const hostForm = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?)\.?(?::\d{1,5})?$/;

/**
 * The name without port and trailing dot, in lower case, IPv6 in brackets: the spelling of `allowed`.
 * Undefined for anything that is not a plain name or address with an optional port.
 */
export function findHostName(hostHeader: string | undefined): string | undefined {
  const [, name] = hostForm.exec(hostHeader?.toLowerCase() ?? "") ?? [];
  return name?.includes("..") ? undefined : name;
}

/** Names that browsers themselves tie to this machine (Secure Contexts, section 3.1). */
export function isLoopbackName(name: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|\[::1\]|(?:[a-z0-9_.-]+\.)?localhost)$/.test(name);
}
