// Pointers of Git LFS, written and read as its specification says.
import { expect, it } from "vitest";
import { buildPointer, parsePointer } from "./lfs-pointer.ts";

const oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";

it("reads what it writes, as the specification has it", () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 12345\n`;
  expect(buildPointer({ oid, sizeBytes: 12345 })).toBe(pointer);
  expect(parsePointer(Buffer.from(pointer))).toEqual({ oid, sizeBytes: 12345 });
});

it("takes nothing else for a pointer", () => {
  const pointer = buildPointer({ oid, sizeBytes: 1 });
  for (const content of [
    "",
    "x",
    `${pointer}more\n`,
    pointer.replace("sha256", "sha1"),
    pointer.slice(0, -1),
    pointer.padEnd(2000),
  ]) {
    expect(parsePointer(Buffer.from(content))).toBeUndefined();
  }
});
