// The example project as the tests use it: one lab with a password, and as long a timer as the test wants.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findLabEnvironment } from "./lab-environment.ts";
import { createScratchProject, type ScratchProject } from "./scratch-project.ts";

/** Why tests with a real lab cannot run here; "" when they can. */
export function findMissingLab(): string {
  const found = findLabEnvironment();
  return typeof found === "string" ? found : "";
}

export type ExampleProject = ScratchProject & {
  /** Origin of the gateway. */
  gateway: string;
  /** Origin of the lab. */
  lab: string;
};

/** Up, its lab asleep. @param idle a duration of the project file */
export async function createExampleProject(idle = "40m"): Promise<ExampleProject> {
  const example = join(import.meta.dirname, "..", "..", "examples", "notebook", "sesta.yaml");
  const yaml = (await readFile(example, "utf8")).replace(/^( *idle:).*$/m, `$1 ${idle}`);
  const project = await createScratchProject(yaml);
  const { code, stderr } = await project.sesta(["up", "-y"]);
  if (code !== 0) throw new Error(stderr);
  const { gateway, workloads } = await project.status();
  const lab = workloads[0]?.url;
  if (!gateway.url || !lab) throw new Error("the gateway does not run");
  return { ...project, gateway: gateway.url, lab };
}
