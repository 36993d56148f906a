// Which ports the user's other projects keep, also while their gateways do not run: a file a port, with the project.
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";

export type PortClaims = {
  /** Ports of projects that still exist, other than this one. */
  listOthers(): Promise<Set<number>>;
  /** Never fails: without it only the courtesy between projects is lost. */
  claim(port: number): Promise<void>;
};

/**
 * @param cacheFolder shared by all projects of the user
 * @param projectFolder whose claims these are
 */
export function createPortClaims(cacheFolder: string, projectFolder: string): PortClaims {
  const folder = join(cacheFolder, "ports");

  async function findOther(name: string): Promise<number | undefined> {
    const owner = await readFile(join(folder, name), "utf8").catch(() => projectFolder);
    const lives =
      owner !== projectFolder && (await stat(join(owner, ".sesta")).catch(() => undefined)) !== undefined;
    return lives ? Number(name) : undefined;
  }

  return {
    async listOthers() {
      const names = await readdir(folder).catch(() => []);
      const ports = await Promise.all(names.filter((name) => /^\d{1,5}$/.test(name)).map(findOther));
      return new Set(ports.filter((port) => port !== undefined));
    },
    async claim(port) {
      const path = join(folder, String(port));
      if ((await readFile(path, "utf8").catch(() => "")) === projectFolder) return;
      await mkdir(folder, { recursive: true, mode: 0o700 })
        .then(() => writeAtomic(path, projectFolder))
        .catch(() => undefined);
    },
  };
}
