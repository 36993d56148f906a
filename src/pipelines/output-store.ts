// What stages hand on, kept by the digest of its content: once for each content, checked whenever it is taken out.
import { createHash, randomBytes } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { chmod, copyFile, lstat, mkdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { findDiskError } from "../base/disk-error.ts";
import { SestaError } from "../base/errors.ts";
import type { OutputFile } from "../model/pipeline.ts";
import { matchFiles } from "./match-files.ts";

/** Of a tree whose commands have ended. */
export async function keepOutputs(
  store: string,
  tree: string,
  patterns: readonly string[],
): Promise<{ outputs: OutputFile[]; missing: string[] }> {
  const { files, missing } = await matchFiles(tree, patterns);
  const outputs: OutputFile[] = [];
  try {
    for (const path of files) outputs.push(await keepFile(store, tree, path));
  } catch (error) {
    throw findDiskError(error, store) ?? error;
  }
  return { outputs, missing };
}

/** Whether all of them are there still. */
export async function hasOutputs(store: string, outputs: readonly OutputFile[]): Promise<boolean> {
  const found = await Promise.all(
    outputs.map(async ({ sha256, bytes, mode }) => {
      const there = await lstat(placeOf(store, sha256)).catch(() => undefined);
      return mode === "link" || (there?.isFile() === true && there.size === bytes);
    }),
  );
  return found.every(Boolean);
}

/**
 * Over what is in the tree, never through a link.
 * @throws SestaError OUTPUT_DAMAGED for content that is not what its digest says; it is gone then
 */
export async function layOutputs(store: string, tree: string, outputs: readonly OutputFile[]): Promise<void> {
  for (const output of outputs) {
    const to = join(tree, output.path);
    await makeParents(tree, output.path);
    await rm(to, { recursive: true, force: true });
    if (output.target !== undefined) await symlink(output.target, to);
    else await layFile(store, output, to);
  }
}

/** One digest of what was handed on. */
export function digestOutputs(outputs: readonly OutputFile[]): string {
  const lines = outputs.map(({ path, mode, sha256 }) => `${mode} ${sha256} ${path}`);
  return createHash("sha256").update(lines.join("\0")).digest("hex");
}

async function keepFile(store: string, tree: string, path: string): Promise<OutputFile> {
  const from = join(tree, path);
  const found = await lstat(from);
  if (found.isSymbolicLink()) {
    const target = await readlink(from);
    const sha256 = createHash("sha256").update(target).digest("hex");
    return { path, mode: "link", sha256, bytes: 0, target };
  }
  const temporary = join(store, `${randomBytes(8).toString("hex")}.part`);
  await mkdir(store, { recursive: true, mode: 0o700 });
  await copyFile(from, temporary, constants.COPYFILE_FICLONE);
  await chmod(temporary, 0o600);
  const sha256 = await hashFile(temporary);
  const { size } = await lstat(temporary);
  await mkdir(dirname(placeOf(store, sha256)), { recursive: true, mode: 0o700 });
  await rename(temporary, placeOf(store, sha256));
  return { path, mode: (found.mode & 0o111) === 0 ? "file" : "exec", sha256, bytes: size };
}

async function layFile(store: string, { sha256, mode, path }: OutputFile, to: string): Promise<void> {
  const kept = placeOf(store, sha256);
  await copyFile(kept, to, constants.COPYFILE_FICLONE);
  await chmod(to, mode === "exec" ? 0o755 : 0o644);
  if ((await hashFile(to)) !== sha256) {
    await rm(kept, { force: true });
    throw new SestaError("OUTPUT_DAMAGED", `What was kept of ${path} is damaged`, {
      where: kept,
      hint: "Run the pipeline again: it is made anew.",
    });
  }
}

async function makeParents(tree: string, path: string): Promise<void> {
  const steps = path.split("/").slice(0, -1);
  for (let depth = 1; depth <= steps.length; depth++) {
    const folder = join(tree, ...steps.slice(0, depth));
    const found = await lstat(folder).catch(() => undefined);
    if (found?.isDirectory()) continue;
    await rm(folder, { force: true });
    await mkdir(folder);
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function placeOf(store: string, sha256: string): string {
  return join(store, sha256.slice(0, 2), sha256);
}
