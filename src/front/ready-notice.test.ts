// A machine's word that its door answers: what is taken for one, and what is not.
import { generateKeyPairSync, sign } from "node:crypto";
import { expect, test } from "vitest";
import { checkNotice, signNotice } from "./ready-notice.ts";

const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const key = publicKey.export({ format: "der", type: "spki" }).toString("base64");
const now = 1_795_870_800_000;
const notice = {
  bootId: "0f6fe2b9-2f0c-4a7d-9d3e-5a1d6b0c7e11",
  at: now,
  fingerprint: Array<string>(32).fill("0F").join(":"),
};

test("what was signed is read as it was", () => {
  const { body, signature } = signNotice(notice, privateKey);
  expect(checkNotice(body, signature, key, now)).toEqual(notice);
});

test.each([
  [-300_001, "too old"],
  [-300_000, notice],
  [300_000, notice],
  [300_001, "too old"],
])("checked %s ms after it", (lateMs, expected) => {
  const { body, signature } = signNotice(notice, privateKey);
  expect(checkNotice(body, signature, key, now + lateMs)).toEqual(expected);
});

test("another body, another key, another use of the key, no signature", () => {
  const { body, signature } = signNotice(notice, privateKey);
  const other = generateKeyPairSync("ed25519").privateKey;
  const bare = sign(null, Buffer.from(body), privateKey).toString("base64");
  const tries: [string, string | undefined][] = [
    [`${body}\n`, signature],
    [body, signNotice(notice, other).signature],
    [body, bare],
    [body, "not base64!"],
    [body, ""],
    [body, undefined],
  ];
  for (const [text, shown] of tries) expect(checkNotice(text, shown, key, now)).toBe("wrong signature");
});

test("rightly signed, and no notice all the same", () => {
  const signed = (text: string) =>
    checkNotice(
      text,
      sign(null, Buffer.from(`sesta-ready\n${text}`), privateKey).toString("base64"),
      key,
      now,
    );
  for (const change of [{ bootId: "a b" }, { bootId: 1 }, { at: "1" }, { at: null }, { fingerprint: "0F" }])
    expect(signed(JSON.stringify({ ...notice, ...change }))).toBe("not a notice");
  for (const text of ["", "{", "null", "7", "[]"]) expect(signed(text)).toBe("not a notice");
});
