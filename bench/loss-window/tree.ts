// A workspace of 10,000 files and 1 GB as labs have them: notebooks, programs, tables, pictures, a few large weights.
import { createCipheriv } from "node:crypto";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRandom, type Random } from "../idle/random.ts";

const files = 10_000;
const totalBytes = 1024 ** 3;
const seed = 20_26;

type Kind = { folder: string; end: string; share: number; medianBytes: number; text: boolean };

const kinds: readonly Kind[] = [
  { folder: "notebooks", end: ".ipynb", share: 0.2, medianBytes: 60_000, text: true },
  { folder: "src", end: ".py", share: 0.35, medianBytes: 4_000, text: true },
  { folder: "data", end: ".csv", share: 0.2, medianBytes: 80_000, text: true },
  { folder: "figures", end: ".png", share: 0.249, medianBytes: 70_000, text: false },
  { folder: "models", end: ".bin", share: 0.001, medianBytes: 20_000_000, text: false },
];

/** Made once below `cache`; each caller gets a copy of its own at `to`. */
export function copyTree(cache: string, to: string): void {
  const made = join(cache, `workspace-${seed}`);
  if (!existsSync(made)) {
    const making = `${made}.${process.pid}`;
    makeTree(making);
    renameSync(making, made);
  }
  rmSync(to, { recursive: true, force: true });
  mkdirSync(dirname(to), { recursive: true });
  cpSync(made, to, { recursive: true, preserveTimestamps: true });
}

/** One of the tree's small text files, by any whole number. */
export function smallTextFile(index: number): string {
  const [, sources] = layOut();
  const paths = sources ?? [];
  return paths[index % paths.length] ?? "";
}

function makeTree(folder: string): void {
  const random = createRandom(seed);
  const sized = layOut().flatMap((paths, index) => {
    const kind = kinds[index];
    return kind ? paths.map((path) => ({ path, kind, bytes: random.around(kind.medianBytes, 1) })) : [];
  });
  const scale = totalBytes / sized.reduce((sum, { bytes }) => sum + bytes, 0);
  const noise = createCipheriv("aes-128-ctr", Buffer.alloc(16, seed), Buffer.alloc(16)).update(
    Buffer.alloc(64 * 1024 ** 2),
  );
  const text = Buffer.from(
    noise
      .subarray(0, 12 * 1024 ** 2)
      .toString("hex")
      .replaceAll(/(.{70})/g, "$1\n"),
  );
  for (const { path, kind, bytes } of sized) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), part(kind.text ? text : noise, Math.ceil(bytes * scale), random));
  }
}

function layOut(): string[][] {
  return kinds.map(({ folder, end, share }) =>
    Array.from({ length: Math.round(files * share) }, (_, index) =>
      join(folder, `part-${index % 37}`, `group-${index % 11}`, `file-${index}${end}`),
    ),
  );
}

function part(source: Buffer, bytes: number, random: Random): Buffer {
  const from = Math.floor(random.between(0, Math.max(1, source.length - bytes)));
  const once = source.subarray(from, from + bytes);
  return once.length === bytes ? once : Buffer.concat([once, source.subarray(0, bytes - once.length)]);
}
