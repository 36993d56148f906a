// A tracker as a launch: MLflow's server with its database, on a pinned environment, behind the front door.
import { boundFile } from "../../commands/jupyter.ts";
import { anyPython } from "../../commands/uv.ts";
import type { BackupRule, Launch } from "../../model/launch.ts";
import { template, type Template } from "../../model/template.ts";
import type { TrackerSection } from "../../model/tracker.ts";
import { buildEnv, listEnvSecrets } from "../build-env.ts";
import { lockedRequirements, scripts } from "./files.gen.ts";

/** A first start makes the database and all its tables; one during a backup of what sleeps waits for that. */
const startTimeoutMs = 180_000;
/** Requests end, then the database. */
const stopGraceMs = 30_000;

export function buildTrackerLaunch(section: TrackerSection): Launch {
  const { name, password, port, packages, python = anyPython, idleMs, backup } = section;
  return {
    name,
    type: "tracker",
    title: "MLflow",
    environment: { python, locked: lockedRequirements, packages, requirements: [] },
    process: {
      argv: [
        ...buildScript("serve.py"),
        template`${{ place: "port" }}`,
        template`${{ place: "token_file" }}`,
        ...buildData(section),
      ],
      env: buildEnv(section.env),
      files: scripts,
      boundFile,
      startTimeoutMs,
      stopGraceMs,
    },
    door: {
      home: "/",
      healthPath: "/health",
      tokenScheme: "Bearer",
      programs: true,
      ...(password === undefined ? {} : { password }),
      ...(port === undefined ? {} : { port }),
    },
    idle: { idleMs, maxAwakeMs: null, evidence: "none" },
    backup: buildBackup(section),
    keptSecrets: buildKeptSecrets(section),
    workspace: backup.folder,
  };
}

function buildBackup(section: TrackerSection): BackupRule {
  const { name, backup } = section;
  const { keep, everyMs, passphrase } = backup;
  const script = buildScript("backup.py");
  const data = [...buildData(section), template`${{ place: "workspace" }}`, [name]];
  return {
    make: [...script, ["make"], ...data, [String(keep)]],
    restore: [...script, ["restore"], ...data],
    everyMs,
    ...(passphrase === undefined ? {} : { passphrase }),
    elsewhere: { database: typeof section.database === "object", artifacts: section.artifacts },
  };
}

/** In files: on a command line, and in the launch, others could read them. */
function buildKeptSecrets({ database, env }: TrackerSection): Record<string, string> {
  const variables = Object.entries(listEnvSecrets(env)).map(([key, secret]) => [`env/${key}`, secret]);
  return {
    ...(typeof database === "object" && { "database-url": database.url }),
    ...(Object.fromEntries(variables) as Record<string, string>),
  };
}

/** `-I`: the environment's own packages, and nothing from PYTHONPATH, the current folder or the user's site. */
function buildScript(name: string): readonly Template[] {
  return [template`${{ place: "environment" }}/bin/python`, ["-I"], [{ place: "runtime" }, `/${name}`]];
}

/** Where its data is, of which kind, and what leads to it: of variables the names. */
function buildData({ database, artifacts, env }: TrackerSection): readonly Template[] {
  const kind = typeof database === "string" ? database : "url";
  const names = { env: Object.keys(buildEnv(env)), secrets: Object.keys(listEnvSecrets(env)) };
  return [template`${{ place: "keep" }}`, [JSON.stringify({ database: kind, artifacts, ...names })]];
}
