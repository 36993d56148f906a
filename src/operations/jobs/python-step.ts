// The step that makes a job's Python environment, through uv.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../../base/errors.ts";
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
  const missing = () =>
    new SestaError("SETUP_FAILED", `There is no ${file} in the sources of ${name}`, {
      hint: "Correct `python` of the job in sesta.yaml.",
    });
  if (upload) {
    const text = await readFile(join(upload.folder, file), "utf8").catch(() => {
      throw missing();
    });
    return parseRequirements(text);
  }
  const script = `[ -e "$1/complete" ] || exit ${notThereExit}; cat "$1/tree/$2"`;
  const tree = `${host.base}/cache/trees/${digest}`;
  const ran = await host.machine.run(["sh", "-c", script, "sh", tree, file]);
  if (ran.exitCode === notThereExit) return undefined;
  if (ran.exitCode !== 0) throw missing();
  return parseRequirements(ran.stdout, `${name}: ${file}`);
}

const notThereExit = 9;

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
            shared: host,
          },
          wanted,
          environment,
          detail,
        ),
    },
  ];
}
