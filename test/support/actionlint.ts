// The linter of GitHub Actions' workflows, installed once where Go is there.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeTestFolder } from "./lab-environment.ts";

const source = "github.com/rhysd/actionlint/cmd/actionlint@latest";

/** Its path, or why it is not there. */
export function findActionlint(): string | { missing: string } {
  if (spawnSync("actionlint", ["-version"]).status === 0) return "actionlint";
  const folder = join(makeTestFolder(), "go-bin");
  const path = join(folder, "actionlint");
  if (existsSync(path)) return path;
  if (spawnSync("go", ["version"]).status !== 0) return { missing: "Go is not installed" };
  const ran = spawnSync("go", ["install", source], {
    env: { ...process.env, GOBIN: folder },
    encoding: "utf8",
  });
  return ran.status === 0 ? path : { missing: `go install: ${ran.stderr.trim().split("\n").at(-1) ?? ""}` };
}
