// Which origins may change something: exact scheme, host and port, and nothing that only looks alike.
import { describe, expect, test } from "vitest";
import { checkChange, checkLogin, checkRead, checkUpgrade } from "./origin.ts";
import type { RequestHead } from "./request-head.ts";

type Given = { method?: string; host?: string | undefined; encrypted?: boolean } & Record<string, unknown>;

/** A change by the workload's own page, unless something else is given; null leaves a header out. */
function head(headers: Record<string, string | null> = {}, given: Given = {}): RequestHead {
  const all: Record<string, string | null> = {
    origin: "http://127.0.0.1:8471",
    "sec-fetch-site": "same-origin",
    ...headers,
  };
  return {
    method: "POST",
    host: "127.0.0.1:8471",
    encrypted: false,
    ...given,
    header: (name) => all[name] ?? undefined,
  };
}

/** What CVE-2026-40110 (an unanchored match of Origin) and its kin let through, and other near misses. */
const lookalikes = [
  "null",
  "",
  "http://127.0.0.1:8470",
  "http://127.0.0.1:84711",
  "http://127.0.0.1:847",
  "http://127.0.0.1",
  "https://127.0.0.1:8471",
  "HTTP://127.0.0.1:8471",
  "http://localhost:8471",
  "http://127.0.0.1.:8471",
  "http://127.0.0.1:8471.evil.example",
  "http://127.0.0.1.evil.example:8471",
  "http://evil-127.0.0.1:8471",
  "http://evil.example/http://127.0.0.1:8471",
  "http://evil.example#http://127.0.0.1:8471",
  "http://127.0.0.1:8471@evil.example",
  "http://user@127.0.0.1:8471",
  "http://127.0.0.1:8471/",
  " http://127.0.0.1:8471",
  "http://127.0.0.1:8471 ",
  "http://127.0.0.1:8471, http://evil.example",
  "http://127x0x0x1:8471",
  "http://[::1]:8471",
  "ws://127.0.0.1:8471",
  "file://",
  "chrome-extension://abcdefghijklmnop",
  "*",
];

describe("T6, T7: lookalike origins", () => {
  test.each(lookalikes)("%j is another origin", (origin) => {
    for (const site of ["same-origin", null]) {
      expect(checkUpgrade(head({ origin, "sec-fetch-site": site }, { method: "GET" }))).toBe(
        "origin differs",
      );
      expect(checkChange(head({ origin, "sec-fetch-site": site }))).toBe("origin differs");
      expect(checkLogin(head({ origin, "sec-fetch-site": site }))).toBe("origin differs");
    }
  });

  test.each([undefined, "", "evil.example/x", "a, b"])("no origin is that of the host %j", (host) => {
    const origin = `http://${host}`;
    expect(checkChange(head({ origin }, { host }))).toBe("origin differs");
    expect(checkUpgrade(head({ origin }, { host }))).toBe("origin differs");
  });
});

describe("T7: changes", () => {
  const sites = ["same-origin", "same-site", "cross-site", "none", "", "Same-Origin", null];

  test.each(["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "post", "PROPFIND"])(
    "%s passes only from the same origin",
    (method) => {
      for (const mode of ["cors", "no-cors", "navigate", "same-origin", null]) {
        for (const type of [
          "application/json",
          "text/plain",
          "application/x-www-form-urlencoded",
          "multipart/form-data",
          null,
        ]) {
          const rest = { "sec-fetch-mode": mode, "content-type": type };
          const passing = sites.filter(
            (site) => checkChange(head({ ...rest, "sec-fetch-site": site }, { method })) === undefined,
          );
          expect(passing).toEqual(["same-origin"]);
          expect(checkChange(head({ ...rest, origin: null }, { method }))).toBe("origin missing");
        }
      }
    },
  );

  test.each(["GET", "HEAD", "OPTIONS"])("%s changes nothing and passes", (method) => {
    expect(
      checkChange(head({ origin: "http://evil.example", "sec-fetch-site": "cross-site" }, { method })),
    ).toBeUndefined();
  });

  test("Sec-Fetch-Site may be absent only where browsers do not send it: plain http to another machine", () => {
    const at = (host: string, encrypted: boolean) =>
      checkChange(
        head(
          { origin: `${encrypted ? "https" : "http"}://${host}`, "sec-fetch-site": null },
          { host, encrypted },
        ),
      );
    expect(at("gpu-box:8471", false)).toBeUndefined();
    expect(at("192.168.0.9:8471", false)).toBeUndefined();
    expect(at("lab.example.org", true)).toBe("fetch site missing");
    for (const host of [
      "localhost:8471",
      "127.0.0.1:8471",
      "[::1]:8471",
      "lab.localhost:8471",
      "localhost.:8471",
    ]) {
      expect(at(host, false)).toBe("fetch site missing");
    }
    const stranger = { origin: "http://gpu-box:8471", "sec-fetch-site": "cross-site" };
    expect(checkChange(head(stranger, { host: "gpu-box:8471" }))).toBe("fetch site differs");
  });

  test("https compares with https", () => {
    const given = { host: "lab.example.org", encrypted: true };
    expect(checkChange(head({ origin: "https://lab.example.org" }, given))).toBeUndefined();
    expect(checkChange(head({ origin: "http://lab.example.org" }, given))).toBe("origin differs");
    expect(checkChange(head({ origin: "https://lab.example.org:8443" }, given))).toBe("origin differs");
  });
});

describe("T6: WebSockets", () => {
  const given = { method: "GET" };
  test("need the exact Origin; Sec-Fetch-Site only if it is sent", () => {
    expect(checkUpgrade(head({}, given))).toBeUndefined();
    expect(checkUpgrade(head({ "sec-fetch-site": null }, given))).toBeUndefined();
    expect(checkUpgrade(head({ origin: null }, given))).toBe("origin missing");
    expect(checkUpgrade(head({ origin: null, "sec-fetch-site": null }, given))).toBe("origin missing");
    expect(checkUpgrade(head({ "sec-fetch-site": "same-site" }, given))).toBe("fetch site differs");
  });
});

describe("T7: logins", () => {
  test("programs without an Origin may log in, pages of others may not", () => {
    expect(checkLogin(head({ origin: null, "sec-fetch-site": null }))).toBeUndefined();
    expect(checkLogin(head())).toBeUndefined();
    expect(checkLogin(head({ "sec-fetch-site": null }))).toBeUndefined();
    expect(checkLogin(head({ origin: null, "sec-fetch-site": "cross-site" }))).toBe("fetch site differs");
    expect(checkLogin(head({ "sec-fetch-site": "same-site" }))).toBe("fetch site differs");
  });
});

describe("T7: what only reads", () => {
  test.each([
    ["a page of this origin", {}, undefined],
    ["a program, which sends neither", { origin: null, "sec-fetch-site": null }, undefined],
    ["the address bar", { origin: null, "sec-fetch-site": "none" }, undefined],
    ["a script tag on another port", { origin: null, "sec-fetch-site": "same-site" }, "fetch site differs"],
    ["an image on another site", { origin: null, "sec-fetch-site": "cross-site" }, "fetch site differs"],
    [
      "a fetch of another origin",
      { origin: "http://127.0.0.1:8470", "sec-fetch-site": null },
      "origin differs",
    ],
  ])("%s", (_who, headers, problem) => {
    expect(checkRead(head(headers, { method: "GET" }))).toBe(problem);
  });
});
