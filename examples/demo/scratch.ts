// The demo's own copy of the example project, in a folder that goes away again.
import { randomBytes } from "node:crypto";
import { cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const example = join(import.meta.dirname, "..", "notebook");

export type Scratch = {
  folder: string;
  /** Made up for this run; the project refers to it as the environment variable TEAM_PASS. */
  password: string;
  /** Sets the lab's idle time in the copy's sesta.yaml. */
  setIdle(duration: string): Promise<void>;
  remove(): Promise<void>;
};

export async function createScratch(): Promise<Scratch> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "sesta-demo-")));
  await cp(example, folder, { recursive: true });
  const file = join(folder, "sesta.yaml");
  return {
    folder,
    password: randomBytes(9).toString("base64url"),
    async setIdle(duration) {
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace(/^( *idle:).*$/m, `$1 ${duration}`));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}
