// The version in a pickle, however it was written.
import { deflateSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { findSklearnVersion } from "./model-pickle.ts";

const name = "_sklearn_version";
const pickles: Record<string, Buffer> = {
  "protocol 0": Buffer.from(`V${name}\np5\nV1.2.2\np6\n`, "latin1"),
  "protocol 2": Buffer.from(`X\x10\0\0\0${name}q\x05X\x05\0\0\x001.2.2q\x06`, "latin1"),
  "protocol 2, many objects": Buffer.from(
    `X\x10\0\0\0${name}r\x05\x01\0\0X\x05\0\0\x001.2.2r\x06\x01\0\0`,
    "latin1",
  ),
  "protocol 4": Buffer.from(`\x8c\x10${name}\x94\x8c\x051.2.2\x94`, "latin1"),
};

test.each(Object.entries(pickles))("%s", (_, pickle) => {
  for (const bytes of [
    pickle,
    gzipSync(pickle),
    deflateSync(pickle),
    Buffer.concat([Buffer.from(`\x80${name} `), pickle]),
  ])
    expect(findSklearnVersion(bytes)).toBe("1.2.2");
});

test.each(["", "a model", `${name}`, `\x8c\x10${name}\x94h\x05`, "\x1f\x8bnot gzip", "x not zlib"])(
  "none in %j",
  (text) => {
    expect(findSklearnVersion(Buffer.from(text, "latin1"))).toBeUndefined();
  },
);

test("what is no version is not taken for one", () => {
  expect(
    findSklearnVersion(Buffer.from(`\x8c\x10${name}\x94\x8c\x10; rm -rf /       `, "latin1")),
  ).toBeUndefined();
});
