// The demo's own copies of the example projects, in a folder that goes away again.
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const examples = join(import.meta.dirname, "..");

export type Scratch = {
  /** All of it. */
  folder: string;
  /** The project with the lab. */
  team: string;
  /** The project with the training. */
  training: string;
  /** The project with the service. */
  serving: string;
  /** The project with the tracker. */
  tracking: string;
  /** Where the training's machine, which is this one, keeps what it needs for it. */
  home: string;
  /** Made up for this run; the project refers to it as the environment variable TEAM_PASS. */
  password: string;
  /** Sets the lab's idle time in the copy's sesta.yaml. */
  setIdle(duration: string): Promise<void>;
  remove(): Promise<void>;
};

export async function createScratch(): Promise<Scratch> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "sesta-demo-")));
  const [team, training, serving, tracking, home] = ["team", "spirals", "iris", "texts", "home"].map((name) =>
    join(folder, name),
  ) as [string, string, string, string, string];
  await copyExample("notebook", team);
  await copyExample("train", training);
  await copyExample("iris", serving);
  await copyExample("text-classifier", tracking);
  await takeFreePorts(join(serving, "sesta.yaml"));
  await mkdir(home);
  const file = join(team, "sesta.yaml");
  return {
    folder,
    team,
    training,
    serving,
    tracking,
    home,
    password: randomBytes(9).toString("base64url"),
    async setIdle(duration) {
      const text = await readFile(file, "utf8");
      await writeFile(file, text.replace(/^( *idle:).*$/m, `$1 ${duration}`));
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

/** The example's own port may be taken here. */
async function takeFreePorts(file: string): Promise<void> {
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(/^ *port: .*\n/gm, ""));
}

/** Without what somebody who ran it in the checkout has there. */
async function copyExample(name: string, to: string): Promise<void> {
  const made = ["output", "results", "notebook", ".sesta", "__pycache__", "iris_model.pkl", "metrics.json"];
  const from = join(examples, name);
  const isSource = (path: string) => path === from || !made.includes(basename(path));
  await cp(from, to, { recursive: true, filter: isSource });
}
