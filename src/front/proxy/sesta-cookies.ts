// Keeps Sesta's own cookies between the browser and the door: no workload sees one, none can set one.

/** A Cookie header without Sesta's cookies; undefined when nothing is left. */
export function withoutSestaCookies(header: string): string | undefined {
  if (!mention.test(header)) return header;
  const others = header
    .split(";")
    .map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((pair) => pair !== "" && !isSestaCookie(pair));
  return others.length === 0 ? undefined : others.join("; ");
}

/**
 * Whether a `name=value` pair, or a whole Set-Cookie header, speaks of a Sesta cookie. `=sesta_x=1` counts: a browser
 * keeps it as a cookie without a name and sends it back as `sesta_x=1` (RFC 6265bis §5.5).
 */
export function isSestaCookie(pair: string): boolean {
  return ownName.test(pair);
}

const mention = /sesta_/i;
const ownName = /^[\s=]*(?:__host-|__secure-)?sesta_/i;
