// Where a workload's own folder and programs are, for a person who wants to look around or run something there.
import type { Argv, Machine } from "../machine/machine.ts";
import { SestaError } from "../base/errors.ts";
import { isOver, partOf } from "../model/run.ts";
import { runFolder } from "../machine/runs/submit.ts";
import type { ContainerCall } from "../model/release.ts";
import { findWorkload } from "../model/project.ts";
import type { Context } from "./context.ts";
import { findRun } from "./jobs/find-job.ts";
import { refreshRun } from "./jobs/refresh.ts";
import { openHosts, openHost } from "./machines.ts";
import { requireUp } from "./plan.ts";

export type Inside = {
  machine: Machine;
  cwd: string;
  /** The command as it runs with the workload's own programs, and in its container where it is in one. */
  wrap(argv: Argv, tty: boolean): Argv;
};

/**
 * A lab's workspace; what a service's live release runs from; the folder of a job's latest run, or of the run that is
 * named.
 * @throws SestaError UNKNOWN_WORKLOAD, NOT_UP, SSH_CONNECTION
 */
export async function openInside(context: Context, name: string): Promise<Inside> {
  const section = findWorkload(context.project, name);
  const run = section && section.type !== "job" ? undefined : findRun(context, name);
  if (run) {
    const [node] = run.nodes;
    const host = await openHost(context, run.target, node?.machine ?? "local");
    const cwd = `${runFolder(host, partOf(run, 0))}/work`;
    if ((await host.machine.run(["test", "-d", cwd])).exitCode === 0)
      return { machine: host.machine, cwd, wrap: wrapInRun };
    const known = await refreshRun(context, run);
    throw new SestaError("UNKNOWN_RUN", `${run.id} has no folder on ${host.machine.name}`, {
      hint: isOver(known.state)
        ? "Its files are gone; `sesta runs` shows the others."
        : "It has not begun yet; wait until it has.",
    });
  }
  if (section?.type === "job") {
    const [host] = await openHosts(context, section.target, 1);
    if (!host) throw new Error("a target without machines");
    return { machine: host.machine, cwd: host.facts.home, wrap: (argv) => argv };
  }
  requireUp(context, name);
  const { machine, workspace, environment, container } = await context.targets.of(name).inside(name);
  if (container !== undefined) return { machine, cwd: workspace, wrap: wrapInContainer(name, container) };
  return { machine, cwd: workspace, wrap: (argv) => ["sh", "-c", withPath, environment, ...argv] };
}

/** The folder where its image begins, and the environment of its program. @throws SestaError NOT_UP in `wrap` */
function wrapInContainer(service: string, container: ContainerCall | null): Inside["wrap"] {
  return (argv, tty) => {
    if (!container) {
      throw new SestaError("NOT_UP", `No container of ${service} runs`, {
        hint: `\`sesta wake ${service}\` starts it; \`sesta status\` says how it is.`,
      });
    }
    const [engine = "", ...words] = container.engine;
    return [engine, ...words, "exec", "-i", ...(tty ? ["-t"] : []), container.name, ...argv];
  };
}

const withPath = 'PATH="$0/bin:$PATH"; export PATH; exec "$@"';

/** The run's own environment, which is there until it ends; in its container while that lives. */
const enterRun =
  ". ../spec; [ ! -r ../env ] || . ../env; " +
  'if [ -n "$container" ] && [ "$($engine inspect -f "{{.State.Running}}" "$container" 2>/dev/null)" = true ]; then ' +
  'exec $engine exec -i $0 -w "$PWD" "$container" "$@"; fi; exec "$@"';

function wrapInRun(argv: Argv, tty: boolean): Argv {
  return ["sh", "-c", enterRun, tty ? "-t" : "", ...argv];
}
