// Single files of a job's sources, before the job runs: here, or on the machine that has fetched them.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../../machine/host.ts";
import type { Sources } from "./folder-sources.ts";

/** Paths are inside the sources, checked by whoever asks. */
export type SourceFiles = {
  /** Undefined where there is no such file. */
  read(path: string): Promise<string | undefined>;
  /** Names in a folder; none where it is missing. */
  list(folder: string): Promise<string[]>;
};

/**
 * Undefined where the sources are not there yet, so that nobody knows.
 * @param first a file that will be asked for, so that it comes with the answer to that
 */
export async function openSourceFiles(
  { machine, base }: Host,
  { upload, digest }: Sources,
  first: string | undefined,
): Promise<SourceFiles | undefined> {
  if (upload)
    return {
      read: (path) => readFile(join(upload.folder, path), "utf8").catch(() => undefined),
      list: (folder) => readdir(join(upload.folder, folder)).catch(() => []),
    };
  const tree = `${base}/cache/trees/${digest}`;
  const script = `[ -e "$1/complete" ] || exit ${notThereExit}; [ -z "$2" ] || cat "$1/tree/$2"`;
  const looked = await machine.run(["sh", "-c", script, "sh", tree, first ?? ""]);
  if (looked.exitCode === notThereExit) return undefined;
  return {
    async read(path) {
      if (path === first) return looked.exitCode === 0 ? looked.stdout : undefined;
      const { exitCode, stdout } = await machine.run(["cat", `${tree}/tree/${path}`]);
      return exitCode === 0 ? stdout : undefined;
    },
    async list(folder) {
      const { stdout } = await machine.run(["ls", "-1", `${tree}/tree/${folder}`]);
      return stdout.split("\n").filter((name) => name !== "");
    },
  };
}

const notThereExit = 9;
