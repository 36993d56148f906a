// One node of a run as its machine is told of it. Pure: all that it needs is known.
import { buildContainerRun } from "../../commands/container.ts";
import { buildRankVariables, type Rank } from "../../commands/distributed.ts";
import type { RunOrder } from "../../commands/run-files.ts";
import { buildScriptArgv } from "../../commands/script-argv.ts";
import type { JobSection } from "../../model/project.ts";

export type OrderContext = {
  id: string;
  /** The run's folder on the machine, absolute. */
  folder: string;
  /** What follows `--` on the command line. */
  args: readonly string[];
  rank: Rank;
  /** What its program reports to a tracker with; undefined where it does not. */
  reporting: Readonly<Record<string, string>> | undefined;
  /** Values of the job's `env`, secrets among them. */
  env: Readonly<Record<string, string>>;
  /** Of the target. */
  slots: number | undefined;
  environment: string | null;
  image: { engine: readonly string[]; id: string } | undefined;
  data: readonly { from: string; to: string }[];
};

const graceS = 10;
const retryDelayS = 5;

export function buildOrder(job: JobSection, context: OrderContext): RunOrder {
  const { id, folder, args, rank, slots, environment, image, data } = context;
  const env = {
    PYTHONUNBUFFERED: "1", // what it prints shows at once
    ...buildRankVariables(rank),
    ...(environment !== null && { VIRTUAL_ENV: environment }),
    ...context.reporting,
    ...context.env,
  };
  const script = buildScriptArgv(job.run ?? "true", args);
  const container = image ? `sesta-${id}-${rank.node}` : "";
  const argv = image
    ? buildContainerRun({
        engine: image.engine,
        image: image.id,
        name: container,
        workdir: `${folder}/work`,
        env: [...Object.keys(env), "SESTA_RUN", "SESTA_ATTEMPT"],
        data: data.map(({ from }) => from),
        gpus: job.gpus,
        // The tracker is on a loopback port of its machine.
        hostNetwork: rank.nodes > 1 || context.reporting !== undefined,
        argv: script,
      })
    : script;
  return {
    spec: {
      slots: slots ?? (job.gpus === null ? "none" : "gpu"),
      timeoutS: job.timeoutMs === null ? 0 : Math.ceil(job.timeoutMs / 1000),
      retries: job.retries,
      delayS: retryDelayS,
      graceS,
      gatherS: rank.nodes > 1 ? Math.ceil(job.rendezvousMs / 1000) : 0,
      engine: image?.engine.join(" ") ?? "",
      container,
      stdoutFile: job.stdout ?? "",
    },
    env,
    path: environment === null ? [] : [`${environment}/bin`],
    argv,
    links: data,
    gpu: job.gpus !== null,
  };
}
