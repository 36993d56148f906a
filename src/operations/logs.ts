// What a workload printed: its last lines, then on request whatever comes.
import type { LogOptions } from "../targets/target.ts";
import type { Context } from "./context.ts";
import { requireKnown } from "./plan.ts";
import { listReleases } from "./services/releases.ts";

/** Of a service, each line with its release and replica; first those of a release that failed, if it is the newest. */
export async function* readLogs(context: Context, name: string, options: LogOptions): AsyncGenerator<string> {
  requireKnown(context, name);
  const isService = context.state.findWorkload(name)?.launch.service !== undefined;
  const releases = isService ? await chooseReleases(context, name) : undefined;
  yield* context.targets.of(name).logs(name, { ...options, ...(releases && { releases }) });
}

async function chooseReleases(context: Context, name: string): Promise<number[]> {
  const all = await listReleases(context, name);
  const live = all.find(({ state }) => state === "live");
  const [newest] = all;
  const other = newest?.state === "failed" || newest?.state === "starting" ? [newest] : [];
  return [...other, ...(live ? [live] : [])].map(({ number }) => number);
}
