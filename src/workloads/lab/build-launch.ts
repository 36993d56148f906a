// A lab as a launch: JupyterLab on a pinned environment, behind the front door.
import { boundFile, buildServerArgv, shutdownPath, statusPath } from "../../commands/jupyter.ts";
import { anyPython } from "../../commands/uv.ts";
import type { Launch } from "../../model/launch.ts";
import type { LabSection } from "../../model/project.ts";
import { launchScript, lockedRequirements } from "./files.gen.ts";

const script = "launch.py";

/** A job in the background of a terminal, or a thread of an idle kernel, shows only in what it takes of a core. */
export const computing = { cpuPercent: 5, forMs: 60_000 };

/**
 * @param section a folder as its repository is absolute
 * @param requirements lines of the file that the section names, none without one
 */
export function buildLabLaunch(section: LabSection, requirements: readonly string[]): Launch {
  const { name, password, port, packages, python = anyPython, workspace } = section;
  const { idleMs, maxAwakeMs, keepAwake, save } = section;
  return {
    name,
    type: "lab",
    title: "Jupyter Lab",
    environment: { python, locked: lockedRequirements, packages, requirements },
    process: {
      argv: buildServerArgv(script),
      env: {},
      files: { [script]: launchScript },
      boundFile,
      stopPath: shutdownPath,
      startTimeoutMs: 60_000,
      stopGraceMs: 15_000,
    },
    door: {
      home: "/lab",
      healthPath: statusPath,
      tokenScheme: "token",
      ...(password === undefined ? {} : { password }),
      ...(port === undefined ? {} : { port }),
    },
    idle: { idleMs, maxAwakeMs, evidence: "jupyter", keepAwake: { ...computing, ...keepAwake } },
    ...(save === undefined ? {} : { save }),
    workspace,
  };
}
