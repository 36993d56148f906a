// Where pipelines keep things: below `.sesta`, and for trees that are worked in, apart from the project's own files.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Context } from "../context.ts";

/** @param folder `.sesta`, absolute */
export function pipelineFolders(folder: string) {
  const base = join(folder, "pipelines");
  return {
    base,
    store: join(base, "store"),
    results: join(base, "results"),
    environments: join(base, "environments"),
  };
}

export function logFolder(folder: string, runId: string): string {
  return join(folder, "pipelines", runId);
}

/**
 * Outside of the project: tools look for their settings in the folders above, and must find none that is not committed.
 */
export function workFolder({ world, project }: Context, runId: string): string {
  const owner = createHash("sha256").update(project.folder).digest("hex").slice(0, 12);
  return join(world.cacheFolder, "pipelines", owner, runId);
}
