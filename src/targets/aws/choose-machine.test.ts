// Which machine somebody gets for what they asked for, and what it costs.
import { describe, expect, test } from "vitest";
import { chooseMachine } from "./choose-machine.ts";
import { priceMachine, sayPrice } from "./price.ts";

const gib = 1024 ** 3;

describe("a machine", () => {
  test.each([
    ["nothing", {}, "t3.medium"],
    ["four cores", { cpus: 4 }, "t3.xlarge"],
    ["16 GB as people say it", { memoryBytes: 16e9 }, "r5.large"],
    [
      "a T4 with 4 cores and 16 GB",
      { cpus: 4, memoryBytes: 16e9, gpu: { name: "t4", count: 1 } },
      "g4dn.xlarge",
    ],
    ["any GPU", { gpu: { count: 1 } }, "g4dn.xlarge"],
    ["four GPUs", { gpu: { count: 4 } }, "g4dn.12xlarge"],
    ["much memory", { memoryBytes: 500 * gib }, "r5.16xlarge"],
    ["H100s, whose price nobody knows here", { gpu: { name: "H100", count: 8 } }, "p5.48xlarge"],
    ["one by its name", { type: "g4dn.4xlarge" }, "g4dn.4xlarge"],
  ])("for %s", (_, wish, type) => {
    expect(chooseMachine(wish).type).toBe(type);
  });

  test("of a type that is in no table, what its name says is believed", () => {
    expect(chooseMachine({ type: "c8gn.large" })).toMatchObject({ architecture: "arm64", hasGpu: false });
    expect(chooseMachine({ type: "g6e.xlarge" })).toMatchObject({ architecture: "x86_64", hasGpu: true });
    expect(chooseMachine({ type: "g5g.xlarge" })).toMatchObject({ architecture: "arm64", hasGpu: true });
    expect(chooseMachine({ type: "r7i.large" })).toMatchObject({ architecture: "x86_64", hasGpu: false });
  });

  test("one that is nowhere is refused with what can be asked for", () => {
    expect(() => chooseMachine({ gpu: { name: "TPU", count: 1 } })).toThrow(
      expect.objectContaining({ code: "UNSUPPORTED", hint: expect.stringContaining("T4") as string }),
    );
  });
});

describe("its price", () => {
  const machine = chooseMachine({ type: "g4dn.xlarge", diskBytes: 100 * gib });

  test("awake: the machine and its address; asleep: its disk alone", () => {
    expect(sayPrice(priceMachine("us-east-1", machine))).toBe(
      "$0.53 an hour while awake, $8.00 a month while asleep (prices of 2025-06-30)",
    );
    expect(sayPrice(priceMachine("us-east-1", chooseMachine({})))).toContain("$0.047 an hour");
  });

  test("what is unknown says so", () => {
    expect(sayPrice(priceMachine("eu-north-1", machine))).toMatch(
      /^an unknown price an hour.*unknown price a month/,
    );
    expect(priceMachine("us-east-1", chooseMachine({ type: "x9.large" }))).toMatchObject({ awakeHour: null });
  });
});
