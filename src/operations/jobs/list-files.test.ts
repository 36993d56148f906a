// Which files go to a machine: all that a run needs, and nothing that git was told to leave out.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLocalMachine } from "../../machine/local.ts";
import { listFiles, listSources } from "./list-files.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "sesta-files-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" };
const machine = createLocalMachine(env);

function write(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), path.endsWith(".gitignore") ? "ignored\ndata/*\n" : path);
  }
}

function git(inside: string, ...operands: string[]): string {
  const who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"];
  return execFileSync("git", ["-C", join(folder, inside), ...who, ...operands], { encoding: "utf8", env });
}

test("sources are what git sees, with what repositories in them see of theirs", async () => {
  write(
    ".gitignore",
    "train.py",
    "ignored",
    "results/old",
    "node_modules/x",
    "lib/mod.py",
    "lib/out/x",
    "lib/.gitignore",
  );
  write("lib/ignored", "lib/deep/er/a.py", "theirs/b.py", "gone.py");
  symlinkSync("/etc/passwd", join(folder, "link"));
  git("theirs", "init", "-q");
  git("theirs", "add", ".");
  git("theirs", "commit", "-qm", "theirs");
  git(".", "init", "-q");
  git(".", "submodule", "--quiet", "add", join(folder, "theirs"), "sub");
  rmSync(join(folder, "theirs"), { recursive: true });
  git("lib", "init", "-q");
  git("lib/deep/er", "init", "-q");
  git(".", "add", "gone.py", "train.py");
  const commit = git("sub", "rev-parse", "HEAD").trim();
  mkdirSync(join(folder, "empty"));
  git(".", "update-index", "--add", "--cacheinfo", `160000,${commit},empty`); // a submodule that is not there yet
  rmSync(join(folder, "gone.py"));
  expect(await listSources(machine, folder, ["results", "lib/out"])).toEqual([
    ".gitignore",
    ".gitmodules",
    "lib/.gitignore",
    "lib/deep/er/a.py",
    "lib/mod.py",
    "link",
    "sub/b.py",
    "train.py",
  ]);
});

test("sources in a folder that the repository around it ignores are all that is there", async () => {
  git(".", "init", "-q");
  write(".gitignore", "ignored/train.py", "ignored/lib/a.py", "ignored/__pycache__/a.pyc");
  expect(await listSources(machine, join(folder, "ignored"), [])).toEqual(["lib/a.py", "train.py"]);
});

test("a folder that was named goes whole, also where git ignores it or some of it", async () => {
  git(".", "init", "-q");
  write(".gitignore", "data/digits/1", "data/ignored", "data/.keep");
  git(".", "add", "-f", "data/.keep");
  expect(await listFiles(machine, join(folder, "data"), [])).toEqual([".keep", "digits/1", "ignored"]);
});

test.each([
  ["git", true],
  ["the folder itself", false],
])("a name that is no text is said rather than left out, as %s has it", async (_, isRepository) => {
  if (isRepository) git(".", "init", "-q");
  try {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), "");
  } catch {
    return; // no such name can be here, as on macOS
  }
  await expect(listSources(machine, folder, [])).rejects.toThrow(
    /caf.* cannot be sent: its name is not UTF-8/,
  );
});
