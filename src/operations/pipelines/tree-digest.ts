// The digest of a service's tree: what a validation speaks of, and what a deploy looks up.
import { join } from "node:path";
import type { Context } from "../context.ts";
import { findService } from "../../model/project.ts";
import { hashFiles } from "../jobs/hash-files.ts";
import { listFiles } from "../jobs/list-files.ts";
import { digestModel } from "../services/model.ts";
import { listNeverShipped } from "../services/sources.ts";

/** Of what a deploy of the service looks up: of a model that Sesta serves, nothing else is in a release. */
export async function digestForService(
  context: Pick<Context, "machine" | "world" | "project">,
  folder: string,
  service: string,
): Promise<string> {
  const source = findService(context.project, service)?.source;
  const model = source?.kind === "model" ? await digestModel(join(folder, source.file)) : undefined;
  if (model !== undefined) return model;
  return digestTree(context, folder, {
    files: await listFiles(context.machine, folder, listNeverShipped(context)),
  });
}

/**
 * `sha256:…` over names, modes (file, exec, link) and contents of all regular files and links of a folder, but for
 * what tools make again by themselves (see `listFiles`): as the digest of a job's sources. Whoever deploys a folder
 * with the same files gets the same digest.
 * @param files those that count, relative and sorted; all of the folder's without it
 * @param cacheFile what is known of the files already; none for a folder that is looked at once
 */
export async function digestTree(
  { machine, world }: Pick<Context, "machine" | "world">,
  folder: string,
  { files, cacheFile }: { files?: readonly string[]; cacheFile?: string } = {},
): Promise<string> {
  const all = files ?? (await listFiles(machine, folder, []));
  const cache = cacheFile ?? join(folder, ".git", "no-cache"); // a folder that is not there: nothing is kept
  const { digest } = await hashFiles(folder, all, cache, world.clock);
  return `sha256:${digest}`;
}
