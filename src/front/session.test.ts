// Sessions in cookies: found again, ended, and good for one workload only.
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createSessions, isSestaCookie } from "./session.ts";

const key = randomBytes(32);
const days = 24 * 3600 * 1000;

function setUp(encrypted = false) {
  const clock = createFakeClock();
  const sessions = createSessions({ key, clock, encrypted });
  const lab = sessions.issue({ workload: "lab" }, 3);
  return { clock, sessions, lab, header: `theme=dark; sesta_lab=${lab}; _xsrf=1` };
}

describe("sessions", () => {
  test("are found again among other cookies, also by a later process with the same key", () => {
    const { sessions, header, clock } = setUp();
    const session = sessions.find(header, "lab", 3);
    expect(session).toMatchObject({
      subject: { workload: "lab" },
      version: 3,
      expiresAt: clock.now() + 30 * days,
    });
    expect(session?.id).toMatch(/^[\w-]{22}$/);
    expect(sessions.find(header, "lab", 3)).toBe(session); // the second time from memory
    expect(createSessions({ key, clock }).find(header, "lab", 3)).toEqual(session);
  });

  test("T17: end with the password's version, the key, and after 30 days", async () => {
    const { sessions, header, clock } = setUp();
    expect(sessions.find(header, "lab", 3)).toBeDefined();
    expect(sessions.find(header, "lab", 4)).toBeUndefined();
    expect(sessions.find(header, "lab", 2)).toBeUndefined();
    expect(createSessions({ key: randomBytes(32), clock }).find(header, "lab", 3)).toBeUndefined();
    expect(sessions.find(header, "lab", 3)).toBeDefined();
    clock.jumpWall(30 * days - 1);
    expect(sessions.find(header, "lab", 3)).toBeDefined();
    clock.jumpWall(1);
    expect(sessions.find(header, "lab", 3)).toBeUndefined();
  });

  test("open no other workload, under whatever name they are sent", () => {
    const { sessions, lab } = setUp();
    const owner = sessions.issue({ owner: true }, 3);
    expect(sessions.find(`sesta_other=${lab}`, "other", 3)).toBeUndefined();
    expect(sessions.findOwner(`sesta_owner=${lab}`, 3)).toBeUndefined();
    expect(sessions.find(`sesta_lab=${owner}`, "lab", 3)).toBeUndefined();
    expect(sessions.findOwner(`sesta_owner=${owner}`, 3)).toBeDefined();
    expect(sessions.findOwner(`sesta_owner=${owner}`, 4)).toBeUndefined();
  });

  test("a workload called owner does not become the owner, before or after it was seen", () => {
    const { sessions } = setUp();
    const header = `sesta_owner=${sessions.issue({ workload: "owner" }, 1)}`;
    expect(sessions.findOwner(header, 1)).toBeUndefined();
    expect(sessions.find(header, "owner", 1)).toBeDefined();
    expect(sessions.findOwner(header, 1)).toBeUndefined();
  });

  test("over https have the __Host- name, and neither kind passes for the other", () => {
    const plain = setUp();
    const secure = setUp(true);
    const value = secure.sessions.issue({ workload: "lab" }, 3);
    expect(secure.sessions.find(`__Host-sesta_lab=${value}`, "lab", 3)).toBeDefined();
    expect(secure.sessions.find(`sesta_lab=${value}`, "lab", 3)).toBeUndefined();
    expect(secure.sessions.find(`__Host-sesta_lab=${plain.lab}`, "lab", 3)).toBeUndefined();
    expect(plain.sessions.find(`sesta_lab=${value}`, "lab", 3)).toBeUndefined();
  });

  test("hand-over and farewell: HttpOnly, Lax, host-only, Secure on https", () => {
    const { sessions, lab } = setUp();
    expect(sessions.setCookie({ workload: "lab" }, lab)).toBe(
      `sesta_lab=${lab}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax`,
    );
    expect(sessions.clearCookie({ owner: true })).toBe(
      "sesta_owner=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
    );
    expect(setUp(true).sessions.setCookie({ owner: true }, "v")).toBe(
      "__Host-sesta_owner=v; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure",
    );
  });

  test("any changed character ends it", () => {
    const { sessions, lab } = setUp();
    const outside = "=!%";
    for (let at = 0; at < lab.length - 1; at++) {
      const other = lab[at] === "A" ? "B" : lab[at] === "1" ? "2" : /\d/.test(lab[at] ?? "") ? "1" : "A";
      const forged = lab.slice(0, at) + other + lab.slice(at + 1);
      expect(sessions.find(`sesta_lab=${forged}`, "lab", 3), forged).toBeUndefined();
      expect(sessions.find(`sesta_lab=${lab.slice(0, at)}`, "lab", 3)).toBeUndefined();
    }
    for (const character of outside)
      expect(sessions.find(`sesta_lab=${lab}${character}`, "lab", 3)).toBeUndefined();
  });

  test("nothing that was not issued is a session, and nothing throws", () => {
    const { sessions } = setUp();
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(sessions.find(text, "lab", 3)).toBeUndefined();
        expect(sessions.find(`sesta_lab=${text}`, "lab", 3)).toBeUndefined();
      }),
    );
    expect(sessions.find(undefined, "lab", 3)).toBeUndefined();
    expect(sessions.find(`xsesta_lab=${sessions.issue({ workload: "lab" }, 3)}`, "lab", 3)).toBeUndefined();
  });

  test("cookie tossing: made-up duplicates are ignored, two good ones that differ are refused", () => {
    const { sessions, lab } = setUp();
    const other = sessions.issue({ workload: "lab" }, 3);
    expect(sessions.find(`sesta_lab=tossed; sesta_lab=${lab}`, "lab", 3)).toBeDefined();
    expect(sessions.find(`sesta_lab=${lab}; sesta_lab=${lab}`, "lab", 3)).toBeDefined();
    expect(sessions.find(`sesta_lab=${lab}; sesta_lab=${other}`, "lab", 3)).toBeUndefined();
    const flood = Array.from({ length: 5000 }, (_, index) => `sesta_lab=${index}`).join("; ");
    expect(sessions.find(`${flood}; sesta_lab=${lab}`, "lab", 3)).toBeUndefined();
  });

  test("more of them than are remembered are all still good", () => {
    const { sessions } = setUp();
    const values = Array.from({ length: 10_050 }, () => sessions.issue({ workload: "lab" }, 3));
    for (const value of values) expect(sessions.find(`sesta_lab=${value}`, "lab", 3)).toBeDefined();
    expect(sessions.find(`sesta_lab=${values[0]}`, "lab", 3)).toBeDefined();
  });
});

test.each([
  ["sesta_lab", true],
  ["__Host-sesta_owner", true],
  ["__host-sesta_lab", true],
  ["SESTA_lab", true],
  ["sesta", false],
  ["mysesta_lab", false],
  ["_xsrf", false],
])("%s is Sesta's own cookie: %s", (name, own) => expect(isSestaCookie(name)).toBe(own));

test("two projects on one host do not overwrite each other's cookies", () => {
  const clock = createFakeClock();
  const one = createSessions({ key: Buffer.alloc(32, 1), clock, scope: "aa" });
  const other = createSessions({ key: Buffer.alloc(32, 2), clock, scope: "bb" });
  const names = [one, other].map((sessions) => sessions.setCookie({ workload: "lab" }, "v").split("=")[0]);
  expect(names).toEqual(["sesta_lab.aa", "sesta_lab.bb"]);
  const value = one.issue({ workload: "lab" }, 1);
  expect(one.find(`sesta_lab.aa=${value}; sesta_lab.bb=x`, "lab", 1)).toBeDefined();
  expect(other.find(`sesta_lab.bb=${value}`, "lab", 1)).toBeUndefined();
});
