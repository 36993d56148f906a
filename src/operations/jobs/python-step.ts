// The step that makes a job's Python environment, through uv.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { anyPython } from "../../commands/uv.ts";
import { completeMark, makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import { parseRequirements } from "../../workloads/lab/requirements.ts";
import type { Context } from "../context.ts";
import type { Sources } from "./folder-sources.ts";
import { exists, type Prepared, type Step } from "./step.ts";

/** Lines of the requirements file in the sources; undefined where the sources are not there yet, so that nobody knows. */
export async function readRequirements(
  { python, name }: JobSection,
  host: Host,
  { upload, digest }: Sources,
): Promise<string[] | undefined> {
  const file = python?.requirements;
  if (file === undefined) return [];
  if (upload) return parseRequirements(await readFile(join(upload.folder, file), "utf8"));
  const ran = await host.machine.run(["cat", `${host.base}/cache/trees/${digest}/tree/${file}`]);
  return ran.exitCode === 0 ? parseRequirements(ran.stdout, `${name}: ${file}`) : undefined;
}

/** @param requirements undefined: not known yet */
export function buildPythonStep(
  context: Context,
  { python, name }: JobSection,
  host: Host,
  { places }: Prepared,
  requirements: readonly string[] | undefined,
): Step[] {
  const { environment } = places;
  if (!python || environment === null) return [];
  const wanted = {
    python: python.version ?? anyPython,
    locked: "",
    packages: python.packages,
    requirements: requirements ?? [],
  };
  const what = [...python.packages.slice(0, 4), ...(python.requirements ? [python.requirements] : [])];
  const isHere = host.machine.name === "local";
  return [
    {
      name: "python",
      title: `make a Python environment with ${what.join(", ") || name}`,
      needs: ["packages", ...(requirements === undefined ? ["sources"] : [])],
      check: async () => requirements !== undefined && (await exists(host, `${environment}/${completeMark}`)),
      run: ({ detail, signal }) =>
        makePythonEnvironment(
          {
            machine: host.machine,
            cacheFolder: isHere ? context.world.cacheFolder : `${host.base}/cache`,
            signal,
          },
          wanted,
          environment,
          detail,
        ),
    },
  ];
}
