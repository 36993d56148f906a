// What a workload printed: its last lines, then on request whatever comes.
import type { LogOptions } from "../targets/target.ts";
import type { Context } from "./context.ts";
import { requireKnown } from "./plan.ts";

export async function* readLogs(context: Context, name: string, options: LogOptions): AsyncGenerator<string> {
  requireKnown(context, name);
  yield* context.targets.of(name).logs(name, options);
}
