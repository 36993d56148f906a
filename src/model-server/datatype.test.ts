// Elements of every type: what is taken, what is not, and the shortest decimals that say the same.
import fc from "fast-check";
import { expect, test } from "vitest";
import { datatypes, type Datatype, type TensorData } from "./datatype.ts";

const of = (protocol: string) =>
  Object.values(datatypes).find((one) => one.protocol === protocol) as Datatype;

test("a float32 is written as the shortest decimal that is it again", () => {
  const float32 = of("FP32");
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const data = Float32Array.of(value);
      expect(Math.fround(Number(float32.write(data, 0)))).toBe(value === 0 ? 0 : value);
    }),
  );
  expect(float32.write(Float32Array.of(0.1), 0)).toBe("0.1");
  expect(float32.write(Float32Array.of(Number.NaN), 0)).toBe("null");
  expect(of("FP64").write(Float64Array.of(Infinity), 0)).toBe("null");
});

test.each([
  ["INT8", -128, 127],
  ["UINT8", 0, 255],
  ["INT16", -32_768, 32_767],
  ["UINT16", 0, 65_535],
  ["INT32", -(2 ** 31), 2 ** 31 - 1],
  ["UINT32", 0, 2 ** 32 - 1],
])("%s takes %d to %d", (protocol, min, max) => {
  const { read } = of(protocol);
  expect(Array.from(read([min, max]) as Int32Array)).toEqual([min, max]);
  for (const odd of [min - 1, max + 1, 0.5, "1", null, true, [1]]) expect(read([1, odd])).toBe(1);
});

test("64-bit integers stay whole", () => {
  const { read, write } = of("INT64");
  const data = read([1, -(2n ** 63n), 2n ** 63n - 1n]) as TensorData;
  expect([0, 1, 2].map((index) => write(data, index))).toEqual([
    "1",
    "-9223372036854775808",
    "9223372036854775807",
  ]);
  expect(read([2n ** 63n])).toBe(0);
  expect(of("UINT64").read([-1])).toBe(0);
});

test("parts are joined in their order", () => {
  expect(of("FP32").join([Float32Array.of(1, 2), Float32Array.of(3)], 3)).toEqual(Float32Array.of(1, 2, 3));
  expect(of("INT64").join([BigInt64Array.of(1n), BigInt64Array.of(2n)], 2)).toEqual(BigInt64Array.of(1n, 2n));
  expect(of("BYTES").join([["a"], ["b", "c"]], 3)).toEqual(["a", "b", "c"]);
});
