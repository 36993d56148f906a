// Where to go after a login: only ever a path of this same origin.

const longest = 2048;

/**
 * `next` when it is a path that a browser cannot read as another host, else "/".
 * Browsers take `\` for `/` and drop tabs and newlines (WHATWG URL, basic URL parser), so neither is let through,
 * and the result is printable ASCII, fit for a Location header.
 */
export function safeNext(next: unknown): string {
  if (typeof next !== "string" || next.length > longest) return "/";
  if (!/^\/[\x21-\x7e]*$/.test(next) || next.includes("//") || next.includes("\\")) return "/";
  return next;
}
