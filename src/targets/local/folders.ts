// Folders of the state folder: listing and measuring them.
import { readdir } from "node:fs/promises";

/** Names of the folders below `path`; none when it does not exist. */
export async function listFolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
