// Request headers: which end at the door, which pass, which are refused.
import { expect, test } from "vitest";
import { requestField } from "./request-fields.ts";

test.each([
  "Authorization",
  "Proxy-Authorization",
  "Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "X-Forwarded-User",
  "X-Forwarded-Anything",
  "X-Real-IP",
  "Remote-User",
  "X-Remote-User",
  "X-Auth-Request-Email",
  "Proxy",
  "X-Original-URL",
  "X-SSL-Client-Cert",
  "X-Sesta-Owner",
  "Keep-Alive",
  "Proxy-Connection",
  "TE",
  "Trailer",
])("T5: %s of a client is dropped, in every spelling", (name) => {
  for (const spelling of [name, name.toLowerCase(), name.toUpperCase()])
    expect(requestField(spelling).rule).toBe("drop");
  // WSGI and CGI cannot tell these from the real name (CVE-2025-64484).
  if (name.includes("-")) {
    expect(requestField(name.replaceAll("-", "_")).rule).toBe("drop");
    expect(requestField(name.replace("-", "_")).rule).toBe("drop");
    expect(requestField(name.replaceAll("-", ".")).rule).toBe("drop");
  }
});

test("ordinary headers pass; the door's own business is marked", () => {
  for (const name of [
    "Accept",
    "X-XSRFToken",
    "Sec-WebSocket-Key",
    "Origin",
    "Content-Type",
    "X-Requested-With",
  ])
    expect(requestField(name)).toEqual({ name: name.toLowerCase(), rule: "forward" });
  expect(requestField("COOKIE").rule).toBe("cookie");
  expect(requestField("constructor").rule).toBe("forward");
  expect(requestField("__proto__").rule).toBe("drop");
});
