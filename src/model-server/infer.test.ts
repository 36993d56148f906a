// Whatever JSON comes in is taken or refused in words: nothing else is thrown, and nothing of a wrong shape reaches the model.
import fc from "fast-check";
import { expect, test } from "vitest";
import { datatypes, type Datatype } from "./datatype.ts";
import { readInference } from "./infer.ts";
import type { Model, Tensor } from "./model.ts";
import { readPrediction } from "./predict.ts";
import { Refusal } from "./refusal.ts";

const port = (name: string, type: number, shape: number[]) => ({
  name,
  datatype: datatypes[type] as Datatype,
  shape,
});
const build = (...inputs: Model["inputs"]): Model => ({
  name: "m",
  version: "1",
  inputs,
  outputs: [port("y", 1, [-1])],
  leftOut: [],
  run: () => [],
});
const models = [
  build(port("x", 1, [-1, 4])),
  build(port("x", 7, [-1])),
  build(port("x", 1, [-1, -1, 2])),
  build(port("a", 8, [-1, 1]), port("b", 9, [-1, 1])),
  build(port("x", 11, [])),
  build(port("x", 1, [2, 3])),
];

const number = fc.oneof(fc.integer({ min: -3, max: 5 }), fc.double());
const nested = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    number,
    fc.constantFrom("x", true, null, {}),
    fc.array(tie("value"), { maxLength: 4 }),
  ),
})).value;
const tensor = fc.record(
  {
    name: fc.constantFrom<unknown>("x", "a", "b", 1),
    datatype: fc.constantFrom<unknown>("FP32", "INT64", "BYTES", "BOOL", "FP64", null),
    shape: fc.oneof(fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 3 }), nested),
    data: nested,
  },
  { requiredKeys: [] },
);
const bodies = fc.oneof(
  fc.record({ features: nested }, { requiredKeys: [] }),
  fc.record(
    { id: fc.constantFrom<unknown>("1", 1), inputs: fc.oneof(fc.array(tensor), nested), outputs: nested },
    { requiredKeys: ["inputs"] },
  ),
  fc.json(),
);

test.each([
  ["predict", readPrediction],
  ["infer", readInference],
] as const)("%s", (_, read) => {
  fc.assert(
    fc.property(bodies, fc.constantFrom(...models), (body, model) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      let inputs: readonly Tensor[];
      try {
        ({ inputs } = read(model, text));
      } catch (error) {
        expect(error).toBeInstanceOf(Refusal);
        expect((error as Refusal).status).toBe(400);
        return;
      }
      expect(inputs).toHaveLength(model.inputs.length);
      for (const [index, { dims, data }] of inputs.entries()) {
        const { shape } = model.inputs[index] ?? { shape: [] };
        expect(dims).toHaveLength(shape.length);
        expect(dims.every((length, at) => length > 0 && (shape[at] === -1 || shape[at] === length))).toBe(
          true,
        );
        expect(data).toHaveLength(dims.reduce((product, length) => product * length, 1));
      }
    }),
    { numRuns: 3000 },
  );
});

test("deep nesting is refused, not followed", () => {
  const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
  for (const model of models) {
    expect(() => readPrediction(model, `{"features": ${deep}}`)).toThrow(Refusal);
    expect(() => readInference(model, `{"inputs": ${deep}}`)).toThrow(Refusal);
  }
});
