// The gate before passwords: load, guessing, revoked secrets, and an owner who always gets in.
import { beforeAll, describe, expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createGate } from "./gate.ts";
import type { Guess, Verdict } from "./gate.ts";
import { hashPassword, verifyPassword } from "./password.ts";

let hash = "";
let laterHash = "";
beforeAll(async () => {
  hash = await hashPassword("right");
  laterHash = await hashPassword("later");
});

/** A gate on the real scrypt that keeps the list of what was verified. */
function createWatchedGate() {
  const clock = createFakeClock();
  const passwords = new Map([["team", { hash, version: 1 }]]);
  const verified: { encoded: string; candidate: string }[] = [];
  let running = 0;
  const verify = async (encoded: string, candidate: string) => {
    verified.push({ encoded, candidate });
    expect(++running).toBe(1);
    return verifyPassword(encoded, candidate).finally(() => running--);
  };
  const gate = createGate({ clock, passwords: () => passwords, verify });
  const check = (source: string, candidate: string, more: Partial<Guess> = {}) =>
    gate.check({ source, secret: "team", candidate, ...more });
  return { clock, passwords, verified, check };
}

function kinds(verdicts: readonly Verdict[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of verdicts) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

describe("L1: right passwords", () => {
  test("1,000 at once from one source and 1,000 from as many cost one hash, then none", async () => {
    const { check, verified } = createWatchedGate();
    const one = Array.from({ length: 1000 }, () => check("a", "right"));
    const many = Array.from({ length: 1000 }, (_, index) => check(`s${index}`, "right"));
    expect(kinds(await Promise.all([...one, ...many]))).toEqual({ ok: 2000 });
    const again = Array.from({ length: 1000 }, () => check("a", "right"));
    expect(kinds(await Promise.all(again))).toEqual({ ok: 1000 });
    expect(verified.length).toBe(1);
  });

  test("T17: what is remembered ends with the secret's version", async () => {
    const { check, passwords, verified } = createWatchedGate();
    expect(await check("a", "right")).toEqual({ kind: "ok", version: 1 });
    passwords.set("team", { hash: laterHash, version: 2 });
    expect(await check("a", "right")).toEqual({ kind: "wrong" });
    expect(await check("a", "later")).toEqual({ kind: "ok", version: 2 });
    passwords.delete("team");
    expect(await check("a", "later")).toEqual({ kind: "wrong" });
    expect(verified.length).toBe(4);
  });

  test("T17: a password that is changed while it is verified opens nothing", async () => {
    const { check, passwords } = createWatchedGate();
    const pending = check("a", "right");
    passwords.set("team", { hash: laterHash, version: 2 });
    expect((await pending).kind).toBe("throttled");
    expect(await check("a", "right")).toEqual({ kind: "wrong" });
  });
});

describe("T2: guessing", () => {
  test("1,000 in a row from one source: at most 20 are verified, and a blocked source cannot test the memory", async () => {
    const { check, verified, clock } = createWatchedGate();
    await check("owner", "right");
    verified.length = 0;
    const verdicts: Verdict[] = [];
    for (let index = 0; index < 1000; index++) {
      verdicts.push(await check("a", `guess ${index}`));
      await clock.advance(50);
    }
    expect(verified.length).toBeGreaterThanOrEqual(5);
    expect(verified.length).toBeLessThanOrEqual(20);
    expect(kinds(verdicts)).toEqual({ wrong: verified.length, throttled: 1000 - verified.length });
    expect((await check("a", "right")).kind).toBe("throttled");
    expect((await check("owner", "right")).kind).toBe("ok");
  });

  test.each(["remembered", "fresh"])(
    "1,000 different ones at once from one source, the password %s: at most 20 are verified",
    async (memory) => {
      const { check, verified } = createWatchedGate();
      if (memory === "remembered") await check("owner", "right");
      verified.length = 0;
      const guesses = Array.from({ length: 1000 }, (_, index) =>
        check("a", index === 999 ? "right" : `guess ${index}`),
      );
      const verdicts = await Promise.all(guesses);
      expect(verified.length).toBeLessThanOrEqual(20);
      expect(verdicts[999]?.kind).toBe("throttled");
    },
  );

  test("guesses from many sources that fill the queue are turned away but still count against the memory", async () => {
    const { check, verified } = createWatchedGate();
    await check("owner", "right");
    const crowd = Array.from({ length: 12 }, (_, index) => check(`s${index}`, `guess ${index}`));
    const probes = Array.from({ length: 6 }, (_, index) => check("prober", `probe ${index}`));
    const caught = check("prober", "right");
    const owner = check("owner", "right");
    expect(kinds(await Promise.all(crowd))).toEqual({ wrong: 9, throttled: 3 });
    expect(kinds(await Promise.all(probes))).toEqual({ throttled: 6 });
    expect((await caught).kind).toBe("throttled");
    expect((await owner).kind).toBe("ok");
    expect(verified.length).toBe(10);
  });

  test("equal wrong guesses in flight count once for each source", async () => {
    const { check, verified } = createWatchedGate();
    const storm = Array.from({ length: 300 }, (_, index) => check(`s${index % 3}`, "typo"));
    expect(kinds(await Promise.all(storm))).toEqual({ wrong: 300 });
    expect(verified.length).toBe(1);
    expect((await check("s0", "right")).kind).toBe("ok");
  });

  test("a source that succeeds is forgiven", async () => {
    const { check } = createWatchedGate();
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 4; index++) expect((await check("a", `typo ${index}`)).kind).toBe("wrong");
      expect((await check("a", "right")).kind).toBe("ok");
    }
  });

  test("one password does not buy guesses at another", async () => {
    const { check, passwords } = createWatchedGate();
    passwords.set("own", { hash: laterHash, version: 1 });
    const verdicts: Verdict[] = [];
    for (let index = 0; index < 8; index++) {
      verdicts.push(await check("a", `guess ${index}`));
      await check("a", "later", { secret: "own" });
    }
    expect(kinds(verdicts)).toEqual({ wrong: 5, throttled: 3 });
  });

  test("nobody locks the owner out from elsewhere: the account holds the guess, at most 1.5 s, then verifies it", async () => {
    const { check, clock, verified } = createWatchedGate();
    for (let index = 0; index < 30; index++) {
      const guess = check(`s${index}`, `guess ${index}`);
      await clock.advance(1500);
      expect((await guess).kind).toBe("wrong");
    }
    verified.length = 0;
    let verdict: Verdict | undefined;
    const login = check("owner", "right").then((answer) => (verdict = answer));
    await clock.advance(1499);
    expect(verified.length).toBe(0);
    await clock.advance(1);
    await login;
    expect(verdict).toEqual({ kind: "ok", version: 1 });
    expect((await check("elsewhere", "right")).kind).toBe("ok"); // remembered: not held
  });

  test("L8: 200 wrong passwords a second from one source leave the owner's first login a place", async () => {
    const { check, clock } = createWatchedGate();
    const flood: Promise<Verdict>[] = [];
    let owner: Promise<Verdict> | undefined;
    for (let index = 0; index < 400; index++) {
      flood.push(check("a", `guess ${index}`));
      if (index === 30) owner = check("owner", "right");
      await clock.advance(5);
    }
    expect(await owner).toEqual({ kind: "ok", version: 1 });
    await clock.advance(1500);
    expect(kinds(await Promise.all(flood))["ok"]).toBeUndefined();
  });

  test("a candidate beyond 1 KB is wrong without a hash, and counts", async () => {
    const { check, verified } = createWatchedGate();
    const verdicts: Verdict[] = [];
    for (let index = 0; index < 6; index++) verdicts.push(await check("a", "x".repeat(1025 + index)));
    expect(kinds(verdicts)).toEqual({ wrong: 5, throttled: 1 });
    expect(verified.length).toBe(0);
  });
});

describe("T3: unknown accounts", () => {
  test("run the same function on a hash of the same cost, with the same verdicts, holds and limits", async () => {
    const watched = createWatchedGate();
    const known: Verdict[] = [];
    const unknown: Verdict[] = [];
    for (let index = 0; index < 7; index++) {
      known.push(await watched.check("k", `guess ${index}`, { account: "lab" }));
      unknown.push(await watched.check("u", `guess ${index}`, { account: "ghost", secret: undefined }));
    }
    expect(unknown).toEqual(known);
    const [real, decoy] = [watched.verified[0]?.encoded ?? "", watched.verified[1]?.encoded ?? ""];
    expect(decoy.split("$").slice(0, 3)).toEqual(real.split("$").slice(0, 3));
    expect(decoy).not.toBe(real);
    expect(watched.verified.map(({ candidate }) => candidate)).toEqual(
      Array.from({ length: 10 }, (_, index) => `guess ${Math.floor(index / 2)}`),
    );
  });

  test("are hashed each time, also where the known one's password is remembered", async () => {
    const { check, verified } = createWatchedGate();
    await check("a", "right");
    expect((await check("b", "right", { secret: undefined })).kind).toBe("wrong");
    expect((await check("b", "right", { secret: undefined })).kind).toBe("wrong");
    expect((await check("b", "guess")).kind).toBe("wrong");
    expect(verified.length).toBe(4);
  });
});

test("a damaged hash is an error of its own, not a wrong password, and blocks nothing after it", async () => {
  const { check, passwords } = createWatchedGate();
  passwords.set("team", { hash: "damaged", version: 7 });
  for (let index = 0; index < 6; index++)
    await expect(check("a", "right")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  passwords.set("team", { hash, version: 8 });
  expect((await check("a", "right")).kind).toBe("ok");
});
