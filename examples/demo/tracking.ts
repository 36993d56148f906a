// The fourth story: a training whose run appears in MLflow by itself; the tracker sleeps until then, and is backed up when it goes.
import type { CommandLine } from "./command-line.ts";
import type { Scratch } from "./scratch.ts";
import type { Stage } from "./stage.ts";

type Tracking = { stage: Stage; tracked: CommandLine; scratch: Scratch };
type Status = { workloads: { name: string; state: string }[] };
type Runs = { runs: { id: string; state: string }[] };
type Made = { file: string };

/** Leaves a tracker that holds one run. @throws Error when anything is not as it should be */
export async function track({ stage, tracked, scratch }: Tracking): Promise<void> {
  stage.chapter("A training reports to MLflow, which wakes for it");
  stage.say(`The example project examples/text-classifier, copied to ${scratch.tracking}.`);
  const began = performance.now();
  await tracked.run(["up", "tracking", "-y"], { doing: "MLflow's environment is made" });
  stage.took("up: MLflow with Postgres, asleep", performance.now() - began);
  await expectState(tracked, "asleep");
  const beganRun = performance.now();
  await tracked.run(["run", "train"], { doing: "it is set up, the tracker wakes, it trains" });
  stage.took("tracked training: set up, woken, 15 epochs, reported", performance.now() - beganRun);
  await expectState(tracked, "awake");
  const { runs } = (await tracked.json(["runs"])) as Runs;
  if (runs.length !== 1 || runs[0]?.state !== "succeeded")
    throw new Error(`one run should have succeeded: ${JSON.stringify(runs)}`);
  await tracked.run(["why", "tracking"]);

  stage.chapter("What it holds is one file, tried out before it counts");
  const beganBackup = performance.now();
  const { file } = (await tracked.json(["backup", "tracking"])) as Made;
  stage.command("sesta backup tracking");
  stage.output(file);
  stage.took("backup: dumped, and made a database of", performance.now() - beganBackup);
}

async function expectState(tracked: CommandLine, wanted: string): Promise<void> {
  const { workloads } = (await tracked.json(["status"])) as Status;
  const state = workloads.find(({ name }) => name === "tracking")?.state;
  if (state !== wanted) throw new Error(`the tracker should be ${wanted}, and is ${state}`);
}
