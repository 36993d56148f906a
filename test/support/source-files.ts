// The files of the checkout as the static checks read them: what git holds or would take in, and the imports of each.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type SourceFile = { path: string; lines: readonly string[] };
export type Import = { line: number; from: string };

export const root = join(import.meta.dirname, "..", "..");

/** Paths relative to the root, sorted. */
export function listFiles(): string[] {
  // Whoever runs the tests may be another user than the one who owns the checkout.
  const listed = execFileSync(
    "git",
    ["-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
    {
      cwd: root,
      encoding: "utf8",
    },
  );
  return [...new Set(listed.split("\0"))]
    .filter((path) => path !== "" && existsSync(join(root, path)))
    .toSorted();
}

/** Undefined for what is not text. */
export function readSource(path: string): SourceFile | undefined {
  const text = readFileSync(join(root, path), "utf8");
  return text.includes("\0") ? undefined : { path, lines: text.split("\n") };
}

/** Each `from "…"`, `import "…"` and `import("…")`, with its line. */
export function findImports({ lines }: SourceFile): Import[] {
  const pattern = /(?:\bfrom\s+|\bimport\s*\(?\s*)"([^"]+)"/g;
  return lines.flatMap((text, index) =>
    [...text.matchAll(pattern)].flatMap(([, from]) =>
      from === undefined ? [] : [{ line: index + 1, from }],
    ),
  );
}
