// What counts as a person opening a page, and what only fetches it.
import { describe, expect, test } from "vitest";
import { isNavigation, isPreview } from "./navigation.ts";

const chromium = {
  accept: "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
  "sec-fetch-site": "none",
  "user-agent":
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36",
};

function head(headers: Record<string, string | undefined> = {}, method = "GET") {
  const all: Record<string, string | undefined> = { ...chromium, ...headers };
  return { method, host: "127.0.0.1:8471", encrypted: false, header: (name: string) => all[name] };
}

describe("T1: what wakes by visiting", () => {
  test.each<[string, Record<string, string | undefined>]>([
    ["Chromium", {}],
    ["a link from elsewhere", { "sec-fetch-site": "cross-site" }],
    ["plain http to another machine", { "sec-fetch-mode": undefined, "sec-fetch-dest": undefined }],
    ["no User-Agent", { "user-agent": undefined }],
    [
      "a phone called Cubot",
      { "user-agent": "Mozilla/5.0 (Linux; Android 9; CUBOT) Chrome/120 Mobile Safari/537.36" },
    ],
    ["HTML alone", { accept: "text/html" }],
    ["HTML with a weight", { accept: "application/json;q=0.9, text/html;q=0.8" }],
  ])("%s does", (_, headers) => expect(isNavigation(head(headers))).toBe(true));

  test.each<[string, Record<string, string | undefined>]>([
    ["fetch", { accept: "*/*", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }],
    ["fetch that asks for HTML", { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }],
    ["EventSource", { accept: "text/event-stream", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" }],
    ["an image", { accept: "image/avif,*/*", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" }],
    ["a frame", { "sec-fetch-dest": "iframe" }],
    ["curl and health probes", { accept: "*/*", "sec-fetch-mode": undefined, "sec-fetch-dest": undefined }],
    [
      "a probe without Accept",
      { accept: undefined, "sec-fetch-mode": undefined, "sec-fetch-dest": undefined },
    ],
    ["HTML refused", { accept: "text/html;q=0, application/json" }],
    ["HTML refused in detail", { accept: "text/html; q=0.000" }],
    ["a type that only starts so", { accept: "text/html-x" }],
    ["a range", { range: "bytes=0-0" }],
    ["a WebSocket", { upgrade: "websocket" }],
    ["prefetch", { "sec-purpose": "prefetch" }],
    ["prerender", { "sec-purpose": "prefetch;prerender" }],
    ["old prefetch", { purpose: "prefetch" }],
    ["Safari's preview", { "x-purpose": "preview" }],
    ["Firefox's prefetch", { "x-moz": "prefetch" }],
    ["Slack", { "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" }],
    ["Slack's images", { "user-agent": "Slack-ImgProxy (+https://api.slack.com/robots) Slackbot 1.0" }],
    ["Discord", { "user-agent": "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)" }],
    ["Telegram", { "user-agent": "TelegramBot (like TwitterBot)" }],
    ["WhatsApp", { "user-agent": "WhatsApp/2.23.20.0 A" }],
    ["Facebook", { "user-agent": "facebookexternalhit/1.1" }],
    ["Teams and Skype", { "user-agent": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5" }],
    ["Google", { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" }],
  ])("%s does not", (_, headers) => expect(isNavigation(head(headers))).toBe(false));

  test.each(["HEAD", "POST", "OPTIONS", "PUT", "get"])("%s does not", (method) =>
    expect(isNavigation(head({}, method))).toBe(false),
  );

  test("the wake endpoint takes any program, but no preview", () => {
    expect(isPreview(head({ accept: "*/*", "user-agent": "curl/8.5.0" }))).toBe(false);
    expect(isPreview(head({ accept: "application/json", "user-agent": "python-requests/2.32" }))).toBe(false);
    expect(isPreview(head({}, "HEAD"))).toBe(true);
    expect(isPreview(head({ "user-agent": "Slackbot-LinkExpanding 1.0" }))).toBe(true);
    expect(isPreview(head({ purpose: "prefetch" }))).toBe(true);
  });
});
