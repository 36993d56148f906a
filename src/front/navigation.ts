// Tells a person who opens a page from everything else that sends requests: only the former wakes by visiting.
import type { RequestHead } from "./request-head.ts";

/**
 * A top-level page load by a person: GET, asks for HTML, and nothing about it says script, frame, part, or guess ahead.
 * False for HEAD, fetch, EventSource, WebSockets, range requests, health probes, prefetch and link previews.
 */
export function isNavigation(head: RequestHead): boolean {
  if (head.method !== "GET" || isPreview(head)) return false;
  if (head.header("range") !== undefined || head.header("upgrade") !== undefined) return false;
  return (
    acceptsHtml(head) &&
    isOneOf(head, "sec-fetch-mode", "navigate") &&
    isOneOf(head, "sec-fetch-dest", "document")
  );
}

/**
 * A browser that guesses ahead or a program that previews links: it must not wake, not even with the right password,
 * because a link with `?pass=` that is pasted into a chat is opened by the chat's server first.
 * Programs are known by their User-Agent; one that is taken for a person wakes a workload once, and a person that is
 * taken for a program still has the page's button.
 */
export function isPreview(head: RequestHead): boolean {
  if (head.method === "HEAD") return true;
  if (guessHeaders.some((name) => head.header(name) !== undefined)) return true;
  return previewPrograms.test(head.header("user-agent") ?? "");
}

/** Sec-Purpose (Fetch), and what came before it: Purpose (Chromium, Safari), X-Purpose (Safari), X-Moz (Firefox). */
const guessHeaders = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/** Search robots and the previewers of Slack, Teams, Discord, WhatsApp, Telegram, Facebook, Skype, Outlook, Mastodon. */
const previewPrograms =
  /(?<!cu)bot\b|slackbot|crawler|spider|preview|facebookexternalhit|facebookcatalog|whatsapp|mastodon|embedly|iframely|vkshare|pinterest\/|bitlybot|skypeuripreview|google-read-aloud|mediapartners-google/i;

/** Named outright: `*\/*`, which fetch, curl and probes send, is no wish for a page. */
function acceptsHtml(head: RequestHead): boolean {
  const ranges = (head.header("accept") ?? "").toLowerCase().split(",");
  return ranges.some((range) => /^\s*text\/html\s*(?:$|;(?!.*q=0(?:\.0*)?\s*(?:;|$)))/.test(range));
}

/** Absent where browsers send no Sec-Fetch-*: plain http to another machine. */
function isOneOf(head: RequestHead, name: string, value: string): boolean {
  return (head.header(name) ?? value) === value;
}
