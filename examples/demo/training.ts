// The second story: a training runs on this machine, its output comes home, and a second one comes beside the first.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CommandLine } from "./command-line.ts";
import type { Scratch } from "./scratch.ts";
import type { Stage } from "./stage.ts";

type Training = { stage: Stage; job: CommandLine; scratch: Scratch };
type Runs = { runs: { id: string; state: string; fetched: { into: string } | null }[] };

const other = ["--epochs", "2", "--seed", "7"];

/** Leaves two runs and their output. @throws Error when anything is not as it should be */
export async function train({ stage, job, scratch }: Training): Promise<void> {
  stage.chapter("A training runs, and its output comes home");
  stage.say(`The example project examples/train, copied to ${scratch.training}.`);
  stage.say(`What a job's machine keeps of it is in ~/.sesta; this machine's is ${scratch.home} for once.`);
  const began = performance.now();
  const printed = await job.run(["run", "train"], { doing: "it is set up, then it trains" });
  stage.took("training: set up, 5 epochs, output home", performance.now() - began);
  expectTrained(printed, 5);
  const results = join(scratch.training, "results");
  const first = await read(join(results, "output.txt"));
  if (first !== printed) throw new Error("results/output.txt should be what it printed");
  stage.say(`results/output/ has ${(await readdir(join(results, "output"))).toSorted().join(", ")}`);

  const beganAgain = performance.now();
  expectTrained(await job.run(["run", "train", "--", ...other]), 2);
  stage.took("trained again, 2 epochs: nothing to set up", performance.now() - beganAgain);
  const { runs } = (await job.json(["runs"])) as Runs;
  const [second] = runs;
  if (runs.length !== 2 || !second?.fetched || runs.some(({ state }) => state !== "succeeded"))
    throw new Error(`two runs should have succeeded: ${JSON.stringify(runs)}`);
  if ((await read(join(results, "output.txt"))) !== first) throw new Error("the first output has changed");
  stage.say(`The first output is as it was; the second is in results/${second.id}`);
  await job.run(["runs"]);
}

function expectTrained(printed: string, epochs: number): void {
  const found = printed.match(/^epoch \d+\/\d+ .* accuracy 0\.\d+$/gm)?.length ?? 0;
  if (found !== epochs) throw new Error(`it should have printed ${epochs} epochs, and printed ${found}`);
}

function read(path: string): Promise<string> {
  return readFile(path, "utf8");
}
