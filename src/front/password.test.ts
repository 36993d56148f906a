// Password hashes against the RFC's vectors, and what they refuse to work on.
import { setTimeout as delay } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  buildDecoyHash,
  hashPassword,
  maxPasswordBytes,
  normalizePassword,
  verifyPassword,
} from "./password.ts";

describe("password hashes", () => {
  test("carry their parameters and a fresh salt, and only the right password matches", async () => {
    const [one, two] = [await hashPassword("correct horse"), await hashPassword("correct horse")];
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(two);
    expect(await verifyPassword(one, "correct horse")).toBe(true);
    expect(await verifyPassword(one, "correct horsf")).toBe(false);
    expect(await verifyPassword(one, "")).toBe(false);
  });

  test("are those of RFC 7914: its third vector, the first 32 bytes", async () => {
    const salt = Buffer.from("SodiumChloride").toString("base64").replace(/=+$/, "");
    const hash = Buffer.from("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2", "hex");
    const encoded = `$scrypt$ln=14,r=8,p=1$${salt}$${hash.toString("base64").replace(/=+$/, "")}`;
    expect(await verifyPassword(encoded, "pleaseletmein")).toBe(true);
    expect(await verifyPassword(encoded, "pleaseletmeout")).toBe(false);
  });

  test("take one spelling of a letter for the other (NFC), but not another letter", async () => {
    const encoded = await hashPassword("caf\u00e9");
    expect(await verifyPassword(encoded, "cafe\u0301")).toBe(true);
    expect(await verifyPassword(encoded, "cafe")).toBe(false);
    fc.assert(fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => normalizePassword(text) === text));
  });

  test("T2: too long a candidate is refused without hashing", async () => {
    const encoded = await hashPassword("short");
    let settled: boolean | undefined;
    void verifyPassword(encoded, "x".repeat(maxPasswordBytes + 1)).then((value) => (settled = value));
    await Promise.resolve().then(() => undefined); // microtasks only: no hash can have run
    await new Promise((resolve) => process.nextTick(resolve));
    expect(settled).toBe(false);
    await expect(hashPassword("x".repeat(maxPasswordBytes + 1))).rejects.toMatchObject({ code: "USAGE" });
    await expect(hashPassword("")).rejects.toMatchObject({ code: "USAGE" });
  });

  test("leave the event loop alone while they are made", async () => {
    let done = false;
    const hashing = hashPassword("anything").then(() => (done = true));
    await delay(0);
    expect(done).toBe(false); // a synchronous scrypt would have finished before the timer
    await hashing;
  });

  test("T3: a decoy has the form and cost of a real one and matches nothing", async () => {
    const [decoy, real] = [buildDecoyHash(), await hashPassword("real")];
    expect(decoy.split("$").slice(0, 3)).toEqual(real.split("$").slice(0, 3));
    expect(decoy.length).toBe(real.length);
    expect(await verifyPassword(decoy, "real")).toBe(false);
  });

  test.each([
    "",
    "plain",
    "$scrypt$ln=40,r=8,p=1$" + "A".repeat(22) + "$" + "A".repeat(43),
    "$scrypt$ln=15,r=8,p=1$AA$AA",
  ])("a damaged record is named, not obeyed: %s", async (encoded) => {
    await expect(verifyPassword(encoded, "x")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  });
});
