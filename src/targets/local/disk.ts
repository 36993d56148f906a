// Files and folders of this machine.
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import type { Disk } from "../agent-host/disk.ts";

export const localDisk: Disk = {
  findExisting: async (paths) => new Set(paths.filter((path) => existsSync(path))),
  async makeFolder(path, mode) {
    await mkdir(path, { recursive: true, ...(mode !== undefined && { mode }) });
  },
  async listFolders(path) {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  },
  async remove(paths) {
    for (const path of paths) await rm(path, { recursive: true, force: true });
  },
};
