// The JSON Schema of the project file, for editors: completion, hover help, red lines.
import { z } from "zod";
import { projectSchema } from "./schema.ts";

/** A JSON Schema object, as far as the reference page reads it. */
export type JsonSchema = {
  title?: string;
  description?: string;
  type?: string;
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  shown?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | boolean;
  oneOf?: JsonSchema[];
  items?: JsonSchema;
};

/** Draft 7: the one that yaml-language-server and the editors around it read whole. */
export function buildJsonSchema(): JsonSchema {
  const schema = buildAnnotatedSchema();
  dropShown(schema);
  return schema;
}

/** With `shown`, the name of a value's type for people, which is no keyword of JSON Schema. */
export function buildAnnotatedSchema(): JsonSchema {
  return z.toJSONSchema(projectSchema, {
    io: "input",
    target: "draft-7",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      // zod leaves these two out beside a transformation, for they could be of its output; here they never are.
      const { examples, default: byDefault } = (z.globalRegistry.get(zodSchema) ?? {}) as JsonSchema;
      if (examples !== undefined) jsonSchema.examples = examples;
      if (byDefault !== undefined) jsonSchema.default = byDefault as never;
    },
  }) as JsonSchema;
}

function dropShown(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if ("shown" in value && typeof value.shown === "string") delete value.shown;
  for (const inner of Object.values(value)) dropShown(inner);
}
