// The backups of a workload that lie in its folder, known by their names.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { FoundBackup } from "../../model/backup.ts";

const form = /^(.+)-(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z(?:\.age)?\.tar$/;

/** Newest first; none where there is no such folder. */
export async function listBackups(folder: string, name: string): Promise<FoundBackup[]> {
  const entries = await readdir(folder).catch(() => []);
  return entries
    .flatMap((entry): FoundBackup[] => {
      const [, of, ...parts] = form.exec(entry) ?? [];
      if (of !== name) return [];
      const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number);
      return [{ at: Date.UTC(year, month - 1, day, hour, minute, second), file: join(folder, entry) }];
    })
    .toSorted((a, b) => b.at - a.at);
}
