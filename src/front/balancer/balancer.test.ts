// Which replica is chosen, who is passed over and for how long, and how one is drained.
import { describe, expect, test } from "vitest";
import { replicaOn } from "../../../test/support/service-door.ts";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { createBalancer, type Load } from "./balancer.ts";
import type { Member } from "./member.ts";

const load = (): Load => ({ cut: undefined });

function start(names: string, outlier = {}) {
  const clock = createFakeClock();
  const balancer = createBalancer({ clock, outlier });
  const route = (ids: string) => balancer.route([...ids].map((id, index) => replicaOn(1000 + index, id)));
  route(names);
  const { traffic } = balancer;
  /** Sends `count` requests that are answered at once, and says who got them. */
  const send = (count: number, act?: (member: Member) => unknown) => {
    let ids = "";
    for (let sent = 0; sent < count; sent += 1) {
      const one = load();
      const member = traffic.enter(one);
      if (!member) break;
      ids += member.id;
      act?.(member);
      traffic.leave(member, one);
    }
    return [...ids].toSorted().join("");
  };
  const fail = (id: string, times: number) => {
    const before = failuresOf(id);
    while (failuresOf(id) < before + times) send(1, (member) => member.id === id && traffic.failed(member));
  };
  const failuresOf = (id: string) => balancer.replicas().find((one) => one.id === id)?.failures ?? 0;
  return { balancer, clock, traffic, route, send, fail };
}

describe("choice", () => {
  test("equals take turns", () => {
    expect(start("ab").send(10)).toBe("aaaaabbbbb");
    expect(start("abc").send(9)).toBe("aaabbbccc");
    expect(start("").send(3)).toBe("");
  });

  test("whoever has fewest in flight is next", () => {
    const { traffic, send, balancer } = start("ab");
    const held = load();
    const busy = traffic.enter(held);
    const other = busy?.id === "a" ? "b" : "a";
    expect(send(4)).toBe(other.repeat(4));
    expect(
      balancer
        .replicas()
        .map(({ inFlight }) => inFlight)
        .toSorted(),
    ).toEqual([0, 1]);
    if (busy) traffic.leave(busy, held);
    expect(send(4)).toBe("aabb");
  });

  test("an unhealthy one gets nothing while a healthy one is there", () => {
    const { balancer, send } = start("ab");
    balancer.mark("a", false);
    expect(send(4)).toBe("bbbb");
    balancer.mark("b", false);
    expect(send(4)).toBe("aabb");
    balancer.mark("a", true);
    expect(send(4)).toBe("aaaa");
    balancer.mark("nobody", true);
  });

  test("one that was tried is passed over, unless there is none else: then nobody", () => {
    const { traffic } = start("ab");
    const first = traffic.enter(load());
    if (!first) throw new Error("nobody");
    const second = traffic.enter(load(), [first]);
    expect(second).not.toBe(first);
    if (second) expect(traffic.enter(load(), [first, second])).toBeUndefined();
  });
});

describe("outliers", () => {
  test("out after failures in a row, each time for longer; back on trial", async () => {
    const { send, fail, clock, balancer, traffic } = start("ab", { failures: 3, firstMs: 1_000 });
    fail("a", 2);
    send(2, (member) => traffic.answered(member, 200));
    fail("a", 2);
    expect(send(4)).toBe("aabb");
    fail("a", 1);
    expect(send(4)).toBe("bbbb");
    expect(balancer.replicas()[0]).toMatchObject({ id: "a", ejectedUntil: 1_000, failures: 5 });
    await clock.advance(1_000);
    expect(balancer.replicas()[0]?.ejectedUntil).toBe(null);
    fail("a", 1); // it has not answered since
    expect(send(4)).toBe("bbbb");
    expect(balancer.replicas()[0]?.ejectedUntil).toBe(3_000);
    await clock.advance(2_000);
    send(2, (member) => traffic.answered(member, 200));
    fail("a", 2);
    expect(send(4)).toBe("aabb");
  });

  test("never the last one", () => {
    const { send, fail, balancer } = start("abc");
    fail("a", 3);
    fail("b", 3);
    fail("c", 20);
    expect(send(3)).toBe("ccc");
    balancer.mark("c", false); // nobody is left: all are better than none
    expect(send(4)).toBe("aabb");
    expect(start("a").send(2)).toBe("aa");
  });

  test("5xx tell against one only while another does well", () => {
    const both = start("ab", { errors: 5 });
    both.send(40, (member) => both.traffic.answered(member, 500));
    expect(both.send(4)).toBe("aabb");
    const one = start("ab", { errors: 5 });
    one.send(20, (member) => one.traffic.answered(member, member.id === "a" ? 503 : 200));
    expect(one.send(4)).toBe("bbbb");
    const off = start("ab", { errors: 0 });
    off.send(40, (member) => off.traffic.answered(member, member.id === "a" ? 503 : 200));
    expect(off.send(4)).toBe("aabb");
  });
});

describe("route and drain", () => {
  test("new requests go to the new ones; what is in flight elsewhere goes on, and is then forgotten", () => {
    const { traffic, route, send, balancer } = start("a");
    const idle: number[] = [];
    traffic.onIdle = ({ port }) => idle.push(port);
    const one = load();
    const old = traffic.enter(one);
    route("bc");
    expect(send(4)).toBe("bbcc");
    expect(balancer.replicas()).toMatchObject([
      { id: "a", routed: false, inFlight: 1 },
      { id: "b" },
      { id: "c" },
    ]);
    if (old) traffic.leave(old, one);
    expect(balancer.replicas().map(({ id }) => id)).toEqual(["b", "c"]);
    expect(idle).toEqual([1000]);
  });

  test("resolves with 0 as soon as nothing is in flight", async () => {
    const { traffic, balancer, clock, send } = start("ab");
    const one = load();
    const member = traffic.enter(one);
    if (!member) throw new Error("nobody");
    let drained: number | undefined;
    const draining = balancer.drain(member.id, 10_000).then((left) => (drained = left));
    expect(send(3)).toBe((member.id === "a" ? "b" : "a").repeat(3));
    await clock.advance(9_000);
    expect(drained).toBeUndefined();
    traffic.leave(member, one);
    await draining;
    expect(drained).toBe(0);
    expect(await balancer.drain(member.id, 10_000)).toBe(0);
    expect(await balancer.drain("nobody", 10_000)).toBe(0);
  });

  test("cuts what is left when time is up, and says how much; two may wait for it", async () => {
    const { traffic, balancer, clock } = start("a");
    let cuts = 0;
    for (let count = 0; count < 3; count += 1) {
      const one: Load = { cut: () => ((cuts += 1), member && traffic.leave(member, one)) };
      const member = traffic.enter(one);
    }
    const first = balancer.drain("a", 1_000);
    const second = balancer.drain("a", 5_000);
    await clock.advance(1_000);
    expect(await Promise.all([first, second])).toEqual([3, 0]);
    expect(cuts).toBe(3);
    expect(balancer.replicas()).toEqual([]);
  });
});
