// What is asked of an image registry by curl, and what it answers: nothing secret stands in an argument.

export type RegistryRequest = {
  method: string;
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  /** A certificate that nobody vouches for is good enough. */
  isPlain: boolean;
};

export type RegistryAnswer = {
  status: number;
  /** Names in small letters. */
  headers: ReadonlyMap<string, string>;
  body: string;
};

/** Reads its orders from standard input; no settings of the user's but proxies. */
export const curlArgv = ["curl", "-q", "--config", "-"] as const;

/** curl(1), `--config`. */
export function buildCurlConfig({ method, url, headers = {}, body, isPlain }: RegistryRequest): string {
  const lines = [
    "silent",
    "show-error",
    "include",
    "suppress-connect-headers",
    "connect-timeout = 10",
    "max-time = 60",
    `url = ${quote(url)}`,
    `request = ${quote(method)}`,
    ...Object.entries(headers).map(([name, value]) => `header = ${quote(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : ['header = "Expect:"', `data-binary = ${quote(body)}`]),
    ...(isPlain ? ["insecure"] : []),
    // As the engines do: no proxy leads to this machine itself.
    ...(isLoopback(new URL(url).hostname) ? ['noproxy = "*"'] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** @param text heads and a body, as `include` prints them */
export function readAnswer(text: string): RegistryAnswer | undefined {
  let rest = text;
  for (;;) {
    const [all, status, lines] =
      /^HTTP\/[\d.]+ (\d{3})[^\n]*\n((?:[^\r\n]+\r?\n)*)(?:\r?\n|$)/.exec(rest) ?? [];
    if (all === undefined || lines === undefined) return undefined;
    rest = rest.slice(all.length);
    if (Number(status) < 200) continue; // 100 Continue
    const headers = lines.split(/\r?\n/).flatMap((line): [string, string][] => {
      const at = line.indexOf(":");
      return at < 1 ? [] : [[line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()]];
    });
    return { status: Number(status), headers: new Map(headers), body: rest };
  }
}

/** Parameters of the challenge of RFC 6750; undefined for another scheme. */
export function readBearerChallenge(header: string): ReadonlyMap<string, string> | undefined {
  if (!/^bearer\s/i.test(header)) return undefined;
  return new Map([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));
}

/** In its own words (OCI distribution, "Error codes"). */
export function readRefusal({ status, body }: RegistryAnswer): string {
  try {
    const { errors } = JSON.parse(body) as { errors?: { code?: string; message?: string }[] };
    const said = (errors ?? []).map(({ code, message }) => message ?? code ?? "").filter((one) => one !== "");
    if (said.length > 0) return `${status}: ${said.join("; ")}`;
  } catch {
    // not every server in front of a registry speaks JSON
  }
  const text = body
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return text === "" ? String(status) : `${status}: ${text.slice(0, 200)}`;
}

export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function quote(value: string): string {
  const escapes: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  return `"${value.replace(/[\\"]/g, "\\$&").replace(/[\n\r\t]/g, (one) => escapes[one] ?? one)}"`;
}
