// The step that makes a job's Python environment, through uv.
import { anyPython } from "../../commands/uv.ts";
import { completeMark, makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import type { WantedPython } from "./find-python.ts";
import { exists, type Prepared, type Step } from "./step.ts";

export function buildPythonStep(
  context: Context,
  { name }: JobSection,
  host: Host,
  { places }: Prepared,
  found: WantedPython | undefined,
): Step[] {
  const { environment } = places;
  if (!found || environment === null) return [];
  const { python, requirements } = found;
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
            shared: host,
          },
          wanted,
          environment,
          detail,
        ),
    },
  ];
}
