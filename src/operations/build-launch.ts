// The launch of what is behind the gateway's doors, from its section and the files that it names.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../base/errors.ts";
import type { Launch } from "../model/launch.ts";
import type { FrontedSection, LabSection } from "../model/project.ts";
import { resolveRepository } from "../model/repository.ts";
import type { Context } from "./context.ts";

/** What builds a launch holds a lock, which is long: it is loaded where it is needed. @throws SestaError PROJECT_UNREADABLE, PROJECT_INVALID */
export async function buildLaunch({ project }: Context, section: FrontedSection): Promise<Launch> {
  if (section.type === "tracker") {
    const { buildTrackerLaunch } = await import("../workloads/tracker/build-launch.ts");
    return buildTrackerLaunch(section);
  }
  const { requirements } = section;
  const { buildLabLaunch } = await import("../workloads/lab/build-launch.ts");
  const { parseRequirements } = await import("../workloads/lab/requirements.ts");
  const lines =
    requirements === undefined ? [] : parseRequirements(await read(join(project.folder, requirements)));
  return buildLabLaunch(withAbsoluteRepository(section, project.folder), lines);
}

/** Git runs elsewhere than in the project's folder. */
function withAbsoluteRepository(section: LabSection, folder: string): LabSection {
  const { save } = section;
  return save ? { ...section, save: { ...save, repo: resolveRepository(save.repo, folder) } } : section;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new SestaError("PROJECT_UNREADABLE", `${path} cannot be read`, {
      hint: "Check `requirements:` in sesta.yaml.",
      cause,
    });
  }
}
