// What `terraform -json` prints, line by line. (https://developer.hashicorp.com/terraform/internals/machine-readable-ui)
import { z } from "zod";

const action = z.enum([
  "create",
  "read",
  "update",
  "delete",
  "replace",
  "noop",
  "no-op",
  "import",
  "forget",
  "move",
]);
export type ChangeAction = z.infer<typeof action>;

const resource = z.object({ addr: z.string(), resource_type: z.string() });
const hook = z.object({
  resource,
  action: action.catch("noop"),
  id_value: z.string().optional(),
  elapsed_seconds: z.number().optional(),
});

const line = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("planned_change"),
    change: z.object({ resource, action: action.catch("noop") }),
  }),
  z.object({ type: z.literal("apply_start"), hook }),
  z.object({ type: z.literal("apply_progress"), hook }),
  z.object({ type: z.literal("apply_complete"), hook }),
  z.object({ type: z.literal("apply_errored"), hook }),
  z.object({
    type: z.literal("diagnostic"),
    diagnostic: z.object({
      severity: z.enum(["error", "warning"]),
      summary: z.string(),
      detail: z.string().optional(),
      address: z.string().optional(),
    }),
  }),
]);

export type Diagnostic = Extract<z.infer<typeof line>, { type: "diagnostic" }>["diagnostic"];

export type TerraformEvent =
  | { kind: "planned"; address: string; action: ChangeAction }
  | { kind: "started" | "progress"; address: string; action: ChangeAction; seconds: number }
  | { kind: "done"; address: string; action: ChangeAction; id: string | undefined; seconds: number }
  | { kind: "failed"; address: string }
  | { kind: "diagnostic"; diagnostic: Diagnostic };

const kinds = {
  apply_start: "started",
  apply_progress: "progress",
  apply_complete: "done",
  apply_errored: "failed",
} as const;

/** All of a text. */
export function readEvents(printed: string): TerraformEvent[] {
  return printed.split("\n").flatMap((written) => readEvent(written) ?? []);
}

/** Undefined for lines that nobody here needs, and for what is no JSON: a crash prints anything. */
export function readEvent(written: string): TerraformEvent | undefined {
  const parsed = line.safeParse(parse(written));
  if (!parsed.success) return undefined;
  const found = parsed.data;
  if (found.type === "diagnostic") return { kind: "diagnostic", diagnostic: found.diagnostic };
  if (found.type === "planned_change") {
    const { resource, action } = found.change;
    return { kind: "planned", address: resource.addr, action };
  }
  const { resource, action, id_value: id, elapsed_seconds: seconds = 0 } = found.hook;
  const kind = kinds[found.type];
  if (kind === "failed") return { kind, address: resource.addr };
  return kind === "done"
    ? { kind, address: resource.addr, action, id, seconds }
    : { kind, address: resource.addr, action, seconds };
}

function parse(written: string): unknown {
  try {
    return JSON.parse(written);
  } catch {
    return undefined;
  }
}
