// The outputs of a root: what Sesta needs to know of what was made.
import { z } from "zod";

export type Outputs = Readonly<Record<string, string>>;

const outputs = z.record(z.string(), z.object({ value: z.unknown() }));

/** @param text of `terraform output -json`; outputs that are no text are left out */
export function readOutputs(text: string): Outputs {
  const found = Object.entries(outputs.parse(JSON.parse(text)));
  return Object.fromEntries(
    found.flatMap(([name, { value }]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}
