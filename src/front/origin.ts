// Whether a change, a WebSocket or a login comes from a page of this very origin.
import { findHostName, isLoopbackName } from "./host.ts";
import type { RequestHead } from "./request-head.ts";

/** Why a request is refused, for the log; the answer is a bare 403. */
export type OriginProblem = "origin missing" | "origin differs" | "fetch site missing" | "fetch site differs";

const readOnly = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Undefined when the request may pass: it reads, or both Origin and Sec-Fetch-Site say that it comes from the
 * same scheme, host and port. Cookies and SameSite do not know ports, so this alone keeps workloads apart.
 */
export function checkChange(head: RequestHead): OriginProblem | undefined {
  if (readOnly.has(head.method)) return undefined;
  return checkOrigin(head) ?? checkFetchSite(head, expectsFetchSite(head));
}

/**
 * For what only reads, navigations aside: a page of another origin, and another port is one, may not pull in what
 * the session opens, as a script or an image. Programs send neither header.
 */
export function checkRead(head: RequestHead): OriginProblem | undefined {
  if (head.header("origin") !== undefined && checkOrigin(head)) return "origin differs";
  const site = head.header("sec-fetch-site");
  return site === undefined || site === "same-origin" || site === "none" ? undefined : "fetch site differs";
}

/** For WebSockets. Origin is required; Chromium sends no Sec-Fetch-Site with a handshake, others do. */
export function checkUpgrade(head: RequestHead): OriginProblem | undefined {
  return checkOrigin(head) ?? checkFetchSite(head, false);
}

/** For what carries its own password: programs without an Origin may come, a page of another origin may not. */
export function checkLogin(head: RequestHead): OriginProblem | undefined {
  const origin = head.header("origin") === undefined ? undefined : checkOrigin(head);
  return origin ?? checkFetchSite(head, false);
}

/** Compared as text, to the byte: nothing is parsed, so no two spellings can meet. */
function checkOrigin(head: RequestHead): OriginProblem | undefined {
  const origin = head.header("origin");
  if (origin === undefined) return "origin missing";
  if (findHostName(head.host) === undefined) return "origin differs";
  return origin === `${head.encrypted ? "https" : "http"}://${head.host}` ? undefined : "origin differs";
}

function checkFetchSite(head: RequestHead, required: boolean): OriginProblem | undefined {
  const site = head.header("sec-fetch-site");
  if (site === undefined) return required ? "fetch site missing" : undefined;
  return site === "same-origin" ? undefined : "fetch site differs";
}

/** Browsers send Sec-Fetch-* to trustworthy origins only: https, and http to this machine (Fetch Metadata, section 2). */
function expectsFetchSite(head: RequestHead): boolean {
  const name = findHostName(head.host);
  return head.encrypted || name === undefined || isLoopbackName(name);
}
