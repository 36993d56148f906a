// `sesta status`: what exists and in which state, asked of the machines themselves.
import { errorCodes } from "../../base/error-codes.ts";
import type { ProjectStatus, WorkloadStatus } from "../../model/status.ts";
import { getStatus } from "../../operations/status.ts";
import { formatMs } from "../durations.ts";
import { formatSaved } from "../save-text.ts";
import type { Verb } from "../session.ts";
import { formatTable, type Paint } from "../terminal.ts";

type Flags = { watch?: boolean | undefined };

const watchEveryMs = 1_000;

export const status: Verb<Flags, []> = async (session, flags) => {
  const { terminal, world } = session;
  const context = await session.open();
  const now = () => world.clock.now();
  if (!flags.watch) {
    const found = await getStatus(context);
    return flags.json ? session.json(found) : terminal.out(format(found, now(), terminal.paint));
  }
  let shown = "";
  while (!world.signal.aborted) {
    const found = await getStatus(context);
    const text = flags.json ? `${JSON.stringify(found)}\n` : format(found, now(), terminal.paint);
    if (terminal.liveErr && !flags.json) terminal.out(`\u001b[H\u001b[J${text}`);
    else if (text !== shown) terminal.out(text);
    shown = text;
    await world.clock.sleep(watchEveryMs, world.signal).catch(() => undefined);
  }
  session.exitCode = errorCodes.INTERRUPTED.exit;
};

const styles = {
  awake: "green",
  waking: "yellow",
  sleeping: "yellow",
  failed: "red",
  asleep: "blue",
  absent: "dim",
} as const;

function format({ project, gateway, workloads }: ProjectStatus, now: number, paint: Paint): string {
  const isUp = workloads.some(({ state, type }) => state !== "absent" && type !== "job");
  const none = isUp
    ? paint("yellow", "no gateway runs, so no address wakes anything: `sesta up` starts it")
    : paint("dim", "no gateway runs");
  const head = `${paint("bold", project)}  ${gateway.url ?? none}\n`;
  if (workloads.length === 0) return `${head}${paint("dim", "No workloads; add one to sesta.yaml.")}\n`;
  const saves = workloads.some(({ save }) => save !== undefined);
  const rows = workloads.map((workload) => [
    workload.name,
    workload.type,
    workload.target,
    paint(styles[workload.state], workload.state),
    workload.since === null ? "" : formatMs(now - Date.parse(workload.since)),
    workload.url ?? "",
    ...(saves ? [formatSaved(workload, now, paint)] : []),
    workload.why,
  ]);
  const table = formatTable([
    ["name", "type", "target", "state", "since", "url", ...(saves ? ["saved"] : []), "why"].map((cell) =>
      paint("dim", cell),
    ),
    ...rows,
  ]);
  return head + table + workloads.map(formatLog).join("");
}

function formatLog({ name, log_tail }: WorkloadStatus): string {
  return log_tail === undefined || log_tail.length === 0
    ? ""
    : `\nlast lines of ${name}:\n${log_tail.map((line) => `  ${line}\n`).join("")}`;
}
