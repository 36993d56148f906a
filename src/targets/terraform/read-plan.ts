// What a saved plan would change, out of `terraform show -json`. (https://developer.hashicorp.com/terraform/internals/json-format)
import { z } from "zod";

const plan = z.object({
  resource_changes: z
    .array(
      z.object({
        address: z.string(),
        mode: z.enum(["managed", "data"]),
        type: z.string(),
        change: z.object({
          actions: z.array(z.enum(["no-op", "create", "read", "update", "delete", "forget"])),
          before: z.record(z.string(), z.unknown()).nullable().optional(),
          after: z.record(z.string(), z.unknown()).nullable().optional(),
        }),
      }),
    )
    .default([]),
});

export type ResourceChange = {
  address: string;
  type: string;
  /** Both `delete` and `create` for one that is replaced. */
  actions: readonly ("create" | "update" | "delete" | "forget")[];
  /** What it is now; nothing of one that is not there. */
  before: Readonly<Record<string, unknown>>;
  /** Its arguments afterwards, as far as they are known before. */
  after: Readonly<Record<string, unknown>>;
  /** Of the one that is there now. */
  id: string | undefined;
  /** Arguments that change, by name. */
  changed: readonly string[];
};

/** Only what changes. */
export function readPlan(text: string): ResourceChange[] {
  return plan.parse(JSON.parse(text)).resource_changes.flatMap(({ address, mode, type, change }) => {
    const actions = change.actions.filter((one) => one !== "no-op" && one !== "read");
    if (mode === "data" || actions.length === 0) return [];
    const [before, after] = [change.before ?? {}, change.after ?? {}];
    const changed = Object.keys(after).filter(
      (name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]),
    );
    const id = typeof before["id"] === "string" ? before["id"] : undefined;
    return [{ address, type, actions, before, after, id, changed }];
  });
}
