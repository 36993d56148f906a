// What a command loads before it does anything: libraries that take long to load come when they are needed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listFiles, root } from "./support/source-files.ts";

const slow = new Set(["zod", "yaml", "tar-stream", "@clack/prompts"]);

/** Of the imports that are there at run time, and at once. */
const imported = /^(?:import|export)\s(?!type\b)(?:[^;"]*?\sfrom\s+)?"([^"]+)"/gm;

/** The way from a file to a slow library, file by file. */
function findWay(path: string, seen: Set<string>): string[] | undefined {
  if (seen.has(path) || !existsSync(path)) return undefined;
  seen.add(path);
  for (const [, from = ""] of readFileSync(path, "utf8").matchAll(imported)) {
    if (slow.has(from)) return [path, from];
    const way = from.startsWith(".") ? findWay(join(path, "..", from), seen) : undefined;
    if (way) return [path, ...way];
  }
  return undefined;
}

// What writes or reads YAML itself needs it at once.
const excepted = new Set(["src/cli/verbs/eject.ts", "src/cli/verbs/init.ts"]);
const verbs = listFiles().filter(
  (path) => /^src\/(?:main|cli\/verbs\/[a-z-]+)\.ts$/.test(path) && !excepted.has(path),
);

test.each(verbs)("%s loads nothing slow before it needs it", (path) => {
  expect(findWay(join(root, path), new Set())).toBeUndefined();
});
