// A state file of Terraform: which resources it holds, and whether it is whole.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { systemCode } from "../../base/errors.ts";

const state = z.object({
  version: z.literal(4),
  serial: z.number().int(),
  lineage: z.string().min(1),
  resources: z.array(
    z.object({
      mode: z.enum(["managed", "data"]),
      type: z.string(),
      name: z.string(),
      module: z.string().optional(),
      instances: z.array(
        z.object({
          index_key: z.union([z.string(), z.number()]).optional(),
          attributes: z.record(z.string(), z.unknown()).optional(),
        }),
      ),
    }),
  ),
});

export type StateResource = { address: string; type: string; id: string | undefined };
export type TerraformState = { serial: number; lineage: string; resources: readonly StateResource[] };

/** What is in the place of a state: none, one that cannot be read, or one. */
export type FoundState =
  | { kind: "none" }
  | { kind: "broken"; bytes: number }
  | { kind: "whole"; text: string; state: TerraformState };

export async function findState(path: string): Promise<FoundState> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return { kind: "none" };
  const found = readState(text);
  return found ? { kind: "whole", text, state: found } : { kind: "broken", bytes: Buffer.byteLength(text) };
}

/** Undefined for a text that was cut short or is none. */
export function readState(text: string): TerraformState | undefined {
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = state.safeParse(written);
  if (!parsed.success) return undefined;
  const { serial, lineage, resources } = parsed.data;
  const managed = resources.filter(({ mode }) => mode === "managed");
  return {
    serial,
    lineage,
    resources: managed.flatMap(({ type, name, module, instances }) =>
      instances.map(({ index_key: key, attributes }) => ({
        address: `${module === undefined ? "" : `${module}.`}${type}.${name}${key === undefined ? "" : `[${JSON.stringify(key)}]`}`,
        type,
        id: typeof attributes?.["id"] === "string" ? attributes["id"] : undefined,
      })),
    ),
  };
}
