// A program that comes through a front door as a page of it would: logged in, and saying where it comes from.

export type Visitor = {
  /** Scheme, host and port of the door. */
  origin: string;
  /** What every request, and a WebSocket's handshake, must carry. */
  headers: Readonly<Record<string, string>>;
  /** @throws Error unless the answer's status is 2xx */
  request(path: string, init?: { method?: string; json?: unknown }): Promise<Response>;
};

/** Fills in the login form of a door. @throws Error when the password is refused */
export async function logIn(origin: string, password: string): Promise<Visitor> {
  const answer = await fetch(`${origin}/_sesta/login`, {
    method: "POST",
    body: new URLSearchParams({ password, next: "/lab" }),
    headers: fromOwnPage(origin),
    redirect: "manual",
  });
  if (answer.status !== 303) throw new Error(`the login at ${origin} was answered with ${answer.status}`);
  const cookie = answer.headers.getSetCookie().map(withoutAttributes).join("; ");
  const headers = { ...fromOwnPage(origin), cookie };
  return { origin, headers, request: (path, init) => request(origin + path, headers, init) };
}

async function request(
  url: string,
  headers: Readonly<Record<string, string>>,
  { method = "GET", json }: { method?: string; json?: unknown } = {},
): Promise<Response> {
  const answer = await fetch(url, {
    method,
    redirect: "manual",
    ...(json === undefined
      ? { headers }
      : { headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(json) }),
  });
  if (answer.ok) return answer;
  throw new Error(`${method} ${url} was answered with ${answer.status}: ${await answer.text()}`);
}

/** A change must name this very origin, and say that the browser agrees (Fetch Metadata). */
function fromOwnPage(origin: string): Record<string, string> {
  return { origin, "sec-fetch-site": "same-origin" };
}

function withoutAttributes(setCookie: string): string {
  return setCookie.split(";", 1)[0] ?? "";
}
