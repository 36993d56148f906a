// The addresses of the pages' assets.
import { expect, test } from "vitest";
import { findAsset, getAssetPath } from "./assets.ts";

test("an asset is kept for ever only under its own hash", () => {
  const path = getAssetPath("page.css");
  expect(path).toMatch(/^\/_sesta\/assets\/[0-9a-f]{16}\/page\.css$/);
  const found = findAsset(path);
  expect(found?.headers).toMatchObject({
    "content-type": "text/css; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
    etag: `"${path.split("/")[3]}"`,
  });
  for (const other of ["/_sesta/assets/page.css", "/_sesta/assets/0123456789abcdef/page.css"]) {
    expect(findAsset(other)?.body).toBe(found?.body);
    expect(findAsset(other)?.headers["cache-control"]).toBe("no-cache");
  }
});

test.each([
  "/_sesta/assets/",
  "/_sesta/assets/constructor",
  "/_sesta/assets/../page.css",
  "/_sesta/assets/page.css/",
  "/page.css",
  "/_sesta/assets/toString.js",
])("%s is nothing", (path) => expect(findAsset(path)).toBeUndefined());
