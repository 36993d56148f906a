// Looks for what is missing or wrong on this machine and in this project. Changes nothing.
import { messageOf, SestaError } from "../base/errors.ts";
import type { Machine } from "../machine/machine.ts";
import { findUv } from "../machine/uv.ts";
import { listFronted, listLabs } from "../model/project.ts";
import { checkSecrets } from "../project/secret.ts";
import type { Context, World } from "./context.ts";
import type { Finding } from "./finding.ts";
import { findGateway } from "./gateway.ts";
import { examineJobs } from "./jobs/doctor.ts";
import { listOrphans } from "./plan.ts";
import { examineServices } from "./services/doctor.ts";

const comfortableBytes = 2_000_000_000;

export async function examine(
  world: World,
  machine: Machine,
  folder: string,
  context: Context | undefined,
): Promise<Finding[]> {
  const found = await Promise.all([
    examineUv(machine, world.cacheFolder),
    examineGit(machine, context),
    examineDisk(machine, folder),
    ...(context
      ? [
          examineSecrets(context),
          examineGateway(context),
          examineHosts(context),
          examineWorkloads(context),
          examineJobs(context),
          examineServices(context),
        ]
      : []),
  ]);
  return found.flat();
}

async function examineUv(machine: Machine, cacheFolder: string): Promise<Finding[]> {
  const uv = await findUv(machine, cacheFolder);
  if (uv !== undefined) return [{ level: "ok", what: `uv is there (${uv})` }];
  if (await answers(machine, "python3")) {
    return [{ level: "ok", what: "uv is not installed; `up` installs it for Sesta alone" }];
  }
  return [
    {
      level: "error",
      what: "neither uv nor python3 is installed",
      mend: "curl -LsSf https://astral.sh/uv/install.sh | sh",
    },
  ];
}

async function examineGit(machine: Machine, context: Context | undefined): Promise<Finding[]> {
  const saves = listLabs(context?.project ?? { workloads: {} }).flatMap(({ save }) => (save ? [save] : []));
  const hasGit = await answers(machine, "git");
  const hasLfs = !saves.some(({ lfs }) => lfs) || (await answers(machine, "git-lfs"));
  return [
    hasGit
      ? { level: "ok", what: "git is there" }
      : {
          level: saves.length > 0 ? "error" : "warning",
          what: "git is not installed; saving to a repository needs it",
          mend: "Install git.",
        },
    ...(hasLfs
      ? []
      : [
          {
            level: "error" as const,
            what: "git-lfs is not installed; `lfs: true` sends large files with it",
            mend: "Install git-lfs.",
          },
        ]),
  ];
}

async function examineDisk(machine: Machine, folder: string): Promise<Finding[]> {
  const free = await machine.freeBytes(folder).catch(() => undefined);
  if (free === undefined)
    return [{ level: "error", what: `${folder} cannot be read`, mend: `ls -ld ${folder}` }];
  const words = `${(free / 1e9).toFixed(1)} GB are free on the disk of ${folder}`;
  return [
    free >= comfortableBytes
      ? { level: "ok", what: words }
      : { level: "warning", what: words, mend: "du -sh ~/.cache/* | sort -h" },
  ];
}

async function examineSecrets({ project, world }: Context): Promise<Finding[]> {
  const findings = await checkSecrets(project, world.env);
  if (findings.length === 0) return [{ level: "ok", what: "every secret of the project is there" }];
  return findings.map(({ level, message, secret }) => {
    const ref = project.secrets[secret];
    const mend = ref && "env" in ref ? `export ${ref.env}=…` : undefined;
    return { level, what: message, ...(mend !== undefined && { mend }) };
  });
}

async function examineGateway(context: Context): Promise<Finding[]> {
  const gateway = await findGateway(context);
  const placed = context.state.listWorkloads();
  if (gateway) {
    // The port of a service is its agent's.
    const shut = placed.filter(
      ({ name, placedAt, launch }) => placedAt !== null && !launch.service && !gateway.doors[name],
    );
    return [
      { level: "ok", what: `the gateway answers at ${gateway.url}` },
      ...shut.map(({ name }): Finding => ({
        level: "error",
        what: `${name} has no address: its port cannot be opened`,
        mend: `sesta up ${name} -y`,
      })),
    ];
  }
  if (placed.length === 0) return [{ level: "ok", what: "nothing is up, so no gateway is needed" }];
  return [
    {
      level: "error",
      what: "workloads are up, but the gateway does not run: no address wakes them",
      mend: "sesta up -y",
    },
  ];
}

/** The hosts that labs and trackers are on, or are to be on. One that sleeps is not woken for this. */
async function examineHosts({ project, targets }: Context): Promise<Finding[]> {
  const wanted = listFronted(project).map(({ target }) => targets.get(target));
  const remote = [...new Set([...wanted, ...targets.inUse()])].filter((target) => target.remote);
  return Promise.all(
    remote.map((target) =>
      target.resolvePath(".", ".").then(
        (): Finding => ({ level: "ok", what: `${target.name} answers over SSH` }),
        (error: unknown): Finding => ({
          level: "error",
          what: `${target.name}: ${messageOf(error)}`,
          ...(error instanceof SestaError && error.hint !== undefined && { mend: error.hint }),
        }),
      ),
    ),
  );
}

async function examineWorkloads(context: Context): Promise<Finding[]> {
  const orphans = listOrphans(context).map((name): Finding => ({
    level: "warning",
    what: `${name} exists but is not in sesta.yaml`,
    mend: `sesta down ${name}`,
  }));
  const placed = context.state.listWorkloads();
  const asked = await Promise.all(
    placed.map(({ name }) =>
      context.targets
        .of(name)
        .status(name)
        .catch((error: unknown): Finding => ({
          level: "error",
          what: `nothing is known of ${name}: ${messageOf(error)}`,
        })),
    ),
  );
  const reports = asked.filter((answer) => "state" in answer);
  const unknown = asked.filter((answer) => "level" in answer);
  const failed = reports
    .filter(({ state }) => state === "failed")
    .map(({ name, why }): Finding => ({
      level: "error",
      what: `${name} failed: ${why}`,
      mend: `sesta logs ${name}`,
    }));
  const unsaved = reports.flatMap(({ name, save }): Finding[] => {
    const { problem } = save ?? {};
    return problem
      ? [
          {
            level: "error",
            what: `${name} is not saved: ${problem.message}`,
            mend: problem.hint ?? `sesta save ${name}`,
          },
        ]
      : [];
  });
  const halfway = placed
    .filter(({ placedAt }) => placedAt === null)
    .map(({ name }): Finding => ({
      level: "error",
      what: `${name} was interrupted halfway`,
      mend: `sesta up ${name} -y`,
    }));
  return [...orphans, ...unknown, ...failed, ...unsaved, ...halfway];
}

function answers(machine: Machine, program: string): Promise<boolean> {
  return machine.run([program, "--version"]).then(
    ({ exitCode }) => exitCode === 0,
    () => false,
  );
}
