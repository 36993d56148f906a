// A tracker as a launch: MLflow's server with its database, on a pinned environment, behind the front door.
import { boundFile } from "../../commands/jupyter.ts";
import { anyPython } from "../../commands/uv.ts";
import type { BackupRule, Launch } from "../../model/launch.ts";
import { template, type Template } from "../../model/template.ts";
import type { TrackerSection } from "../../model/tracker.ts";
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
      env: {},
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
    ...(typeof section.database === "object" && { keptSecrets: { "database-url": section.database.url } }),
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
  };
}

/** `-I`: the environment's own packages, and nothing from PYTHONPATH, the current folder or the user's site. */
function buildScript(name: string): readonly Template[] {
  return [template`${{ place: "environment" }}/bin/python`, ["-I"], [{ place: "runtime" }, `/${name}`]];
}

/** Where its data is, and of which kind. */
function buildData({ database, artifacts }: TrackerSection): readonly Template[] {
  const kind = typeof database === "string" ? database : "url";
  return [template`${{ place: "keep" }}`, [JSON.stringify({ database: kind, artifacts })]];
}
