// Commits for tests, made in a bare repository without any working tree.
import type { Git } from "../../src/agent/save/git.ts";

/** Content, or a link's target, or an object id of another repository (a submodule). */
export type CommitFile = string | Buffer | { link: string } | { executable: string } | { submodule: string };

/**
 * The commit has exactly these files, and stands on what `ref` is now (or on `parent`; null: on nothing).
 * @param at wall milliseconds
 * @returns its id; `ref` points to it
 */
export async function commitFiles(
  git: Git,
  ref: string,
  files: Readonly<Record<string, CommitFile>>,
  { at = Date.UTC(2030, 0, 1), parent }: { at?: number; parent?: string | null } = {},
): Promise<string> {
  const before =
    parent === undefined ? (await git.run(["rev-parse", "--verify", "--quiet", ref])).stdout.trim() : parent;
  const who = `Test <test@example.org> ${Math.floor(at / 1000)} +0000`;
  const head = `commit ${ref}\nauthor ${who}\ncommitter ${who}\ndata 4\nsave\n`;
  const stream: Buffer[] = [
    Buffer.from(before ? `${head}from ${before}\ndeleteall\n` : `${head}deleteall\n`),
  ];
  for (const [path, file] of Object.entries(files)) stream.push(...describe(path, file));
  await git.get(["fast-import", "--quiet", "--force"], {
    input: Buffer.concat([...stream, Buffer.from("done\n")]),
  });
  return git.get(["rev-parse", ref]);
}

function describe(path: string, file: CommitFile): Buffer[] {
  const name = /["\n\\]/.test(path) ? JSON.stringify(path) : path;
  if (typeof file === "object" && "submodule" in file)
    return [Buffer.from(`M 160000 ${file.submodule} ${name}\n`)];
  const [mode, content] =
    typeof file === "string" || Buffer.isBuffer(file)
      ? ["100644", Buffer.from(file)]
      : "link" in file
        ? ["120000", Buffer.from(file.link)]
        : ["100755", Buffer.from(file.executable)];
  return [Buffer.from(`M ${mode} inline ${name}\ndata ${content.length}\n`), content, Buffer.from("\n")];
}
