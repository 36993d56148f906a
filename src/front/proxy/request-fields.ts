// What becomes of each header that a client sends: forwarded, handled by the door itself, or dropped.

export type RequestField = {
  /** Lowercase. */
  name: string;
  rule: "forward" | "drop" | "host" | "cookie" | "length" | "coding" | "connection" | "upgrade" | "expect";
};

/** The rule for a header by the name as it was sent. Names are remembered, so that the usual ones cost a lookup. */
export function requestField(sentName: string): RequestField {
  const known = remembered.get(sentName);
  if (known) return known;
  const name = sentName.toLowerCase();
  const field: RequestField = { name, rule: own[name] ?? (isTrusted(name) ? "forward" : "drop") };
  if (remembered.size < rememberedLimit) remembered.set(sentName, field);
  return field;
}

const rememberedLimit = 512; // bounds what strangers can make the process keep
const remembered = new Map<string, RequestField>();

const own: Readonly<Record<string, RequestField["rule"] | undefined>> = Object.assign(Object.create(null), {
  host: "host",
  cookie: "cookie",
  "content-length": "length",
  "transfer-encoding": "coding",
  connection: "connection",
  upgrade: "upgrade",
  expect: "expect",
});

/**
 * False for what concerns one connection only (RFC 9110 §7.6.1), for what claims who or where the client is, and for
 * names with anything but letters, digits and hyphens: WSGI and CGI turn "_" into "-", so that `X_Forwarded_For`
 * would pass for `X-Forwarded-For` (CVE-2025-64484). nginx drops such names by default too.
 */
function isTrusted(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name) && !hopByHop.has(name) && !identity.test(name);
}

const hopByHop = new Set(["keep-alive", "proxy-connection", "proxy-authenticate", "te", "trailer"]);

/** `proxy` alone would become HTTP_PROXY in a CGI environment (CVE-2016-5385). */
const identity = new RegExp(
  "^(?:authorization|proxy-authorization|proxy|forwarded|x-forwarded(?:-.*)?|x-original-.*|x-rewrite-url|" +
    "(?:x-)?real-ip|(?:x-|true-|x-cluster-)?client-ip|cf-connecting-ip|(?:x-)?remote-.*|x-auth-request-.*|" +
    "x-authenticated-.*|x-webauth-.*|(?:x-)?ssl-client-.*|x-sesta-.*)$",
);
