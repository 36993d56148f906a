// T4: what is kept out of everything that is printed.
import fc from "fast-check";
import { expect, test } from "vitest";
import { protect, redact } from "./redact.ts";

test("T4: a protected value is blanked in every form it takes in a URL", () => {
  const secret = "kä+se & br%öt/zeit?";
  protect(secret);
  const forms = [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ pass: secret }).toString().slice("pass=".length),
  ];
  for (const form of forms) {
    expect(redact(`before ${form} after`)).toBe("before [redacted] after");
    expect(redact(`http://h/v1/start?x=1&y=${form}`)).not.toContain(form);
  }
});

test("T4: whatever is protected is nowhere in what comes out", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 4 }), fc.string(), fc.string(), (secret, before, after) => {
      fc.pre(!"[redacted]".includes(secret));
      protect(secret);
      // Other protected values may overlap its edges, so only a whole one is looked for.
      expect(redact(`${before}\n${secret}\n${after}`).split("\n")).not.toContain(secret);
    }),
  );
});

test("short values are left: blanking them would blank ordinary text", () => {
  protect("abc");
  protect("");
  expect(redact("abc abcdef")).toBe("abc abcdef");
});

test.each([
  ["GET /v1/start?pass=hunter22 HTTP/1.1", "GET /v1/start?pass=[redacted] HTTP/1.1"],
  ["/lab?a=1&token=abc123&b=2", "/lab?a=1&token=[redacted]&b=2"],
  ["/_sesta/open?code=XyZ#top", "/_sesta/open?code=[redacted]#top"],
  ["PASS is not a query, ?PASSWORD=x is", "PASS is not a query, ?PASSWORD=[redacted] is"],
  ["Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"],
  ["authorization:  token 0123", "authorization:  token [redacted]"],
  ["Authorization: Basic dXNlcjpwYXNz, x", "Authorization: Basic [redacted] x"],
  ["compass=north passes", "compass=north passes"],
])("T4: %j", (text, clean) => {
  expect(redact(text)).toBe(clean);
});
