// Claims of ports between the projects of one user, on real files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createPortClaims } from "./port-claims.ts";

let root = "";
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "sesta-claims-"))));
afterEach(() => rmSync(root, { recursive: true }));

function project(name: string): string {
  mkdirSync(join(root, name, ".sesta"), { recursive: true });
  return join(root, name);
}

test("a port that one project keeps is reserved for it, and for nobody else", async () => {
  const [one, other] = [project("one"), project("other")].map((folder) =>
    createPortClaims(join(root, "cache"), folder),
  );
  await one?.claim(8470);
  expect([await one?.listOthers(), await other?.listOthers()]).toEqual([new Set(), new Set([8470])]);
});

test("a project that is gone keeps nothing", async () => {
  const gone = project("gone");
  await createPortClaims(join(root, "cache"), gone).claim(8470);
  rmSync(gone, { recursive: true });
  const claims = createPortClaims(join(root, "cache"), project("here"));
  expect(await claims.listOthers()).toEqual(new Set());
  await claims.claim(8470);
  expect(await createPortClaims(join(root, "cache"), project("third")).listOthers()).toEqual(new Set([8470]));
});

test("a cache that cannot be written costs the courtesy, nothing else", async () => {
  writeFileSync(join(root, "cache"), "a file where the folder should be");
  const claims = createPortClaims(join(root, "cache"), project("one"));
  await claims.claim(8470);
  expect(await claims.listOthers()).toEqual(new Set());
});
