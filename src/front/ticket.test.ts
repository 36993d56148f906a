// Codes of `sesta open`: good once, for a minute, bounded in number.
import { describe, expect, test } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createTickets } from "./ticket.ts";

describe("T4: codes of `sesta open`", () => {
  test("are good once", () => {
    const tickets = createTickets(createFakeClock());
    const [code, other] = [tickets.create({ owner: true }), tickets.create({ workload: "lab" })];
    expect(code).toMatch(/^[\w-]{43}$/);
    expect(tickets.redeem(code)).toEqual({ owner: true });
    expect(tickets.redeem(code)).toBeUndefined();
    expect(tickets.redeem(other)).toEqual({ workload: "lab" });
  });

  test("are good for a minute, by a clock that does not jump", async () => {
    const clock = createFakeClock();
    const tickets = createTickets(clock);
    const [early, late] = [tickets.create({ owner: true }), tickets.create({ owner: true })];
    clock.jumpWall(-86_400_000);
    await clock.advance(59_999);
    expect(tickets.redeem(early)).toEqual({ owner: true });
    await clock.advance(1);
    expect(tickets.redeem(late)).toBeUndefined();
  });

  test("are bounded in number: the oldest gives way", () => {
    const tickets = createTickets(createFakeClock());
    const codes = Array.from({ length: 101 }, () => tickets.create({ owner: true }));
    expect(codes.map((code) => tickets.redeem(code) !== undefined)).toEqual([
      false,
      ...Array<boolean>(100).fill(true),
    ]);
  });

  test.each(["", "x", "../..", "A".repeat(43), "A".repeat(1_000_000), "\u0000".repeat(43)])(
    "%.20s is none",
    (code) => {
      expect(createTickets(createFakeClock()).redeem(code)).toBeUndefined();
    },
  );
});
