// What is uploaded: 10,000 files of 2 KB in 100 folders, or one file of 1 GB.
import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from "node:fs";
import { delimiter, join } from "node:path";
import { existsSync, readdirSync } from "node:fs";

export type Tree = {
  name: string;
  folder: string;
  /** Relative. */
  files: readonly string[];
  /** Other bytes in 1% of it. */
  change(): void;
};

const count = 10_000;
const smallBytes = 2_048;
const largeBytes = 1_000_000_000;
const blockBytes = 10_000_000;

export function makeSmall(folder: string): Tree {
  const files = Array.from({ length: count }, (_, index) => `d${index % 100}/f${index}.bin`);
  const write = (path: string) => writeFileSync(join(folder, path), randomFillSync(Buffer.alloc(smallBytes)));
  for (let index = 0; index < 100; index += 1) mkdirSync(join(folder, `d${index}`), { recursive: true });
  files.forEach(write);
  return {
    name: "10,000 files of 2 KB",
    folder,
    files,
    change: () => files.slice(0, count / 100).forEach(write),
  };
}

export function makeLarge(folder: string): Tree {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "large.bin");
  const write = (at: number) => {
    const file = openSync(path, existsSync(path) ? "r+" : "w");
    writeSync(file, randomFillSync(Buffer.alloc(blockBytes)), 0, blockBytes, at);
    closeSync(file);
  };
  for (let at = 0; at < largeBytes; at += blockBytes) write(at);
  return { name: "one file of 1 GB", folder, files: ["large.bin"], change: () => write(largeBytes / 2) };
}

/** A folder with all of PATH but rsync. */
export function makePathWithoutRsync(folder: string, path: string): string {
  mkdirSync(folder);
  for (const from of path.split(delimiter).filter((one) => existsSync(one)))
    for (const name of readdirSync(from))
      if (name !== "rsync" && !existsSync(join(folder, name)))
        symlinkSync(join(from, name), join(folder, name));
  return folder;
}
