// The files of a release on its machine.
import type { Host } from "../../machine/host.ts";
import type { Progress } from "../../model/plan.ts";
import type { Context } from "../context.ts";
import type { Sources } from "../jobs/folder-sources.ts";
import { sendSources, senderOf } from "../jobs/send-sources.ts";
import { exists } from "../jobs/step.ts";

/** Where the files are on the machine; the same ones are sent once. */
export async function sendTree(
  context: Context,
  host: Host,
  { name, sources }: { name: string; sources: Sources },
  on: Progress,
  signal: AbortSignal = context.world.signal,
): Promise<string> {
  const tree = `${host.base}/cache/trees/${sources.digest}`;
  const step = { workload: name, step: "files" };
  if (!(await exists(host, `${tree}/complete`))) {
    on({ ...step, state: "running" });
    const detail = (text: string) => on({ ...step, state: "running", detail: text });
    const report = { detail, bytes: () => undefined, signal };
    await sendSources(host, senderOf(context, host), sources, tree, report);
    on({ ...step, state: "done", detail: `${sources.upload?.files.length ?? 0}` });
  }
  return `${tree}/tree`;
}
