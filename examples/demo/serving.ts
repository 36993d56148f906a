// The third story: a pipeline trains a model, checks it, and ships it behind a balancer; only what was checked is shipped.
import { execFile } from "node:child_process";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { CommandLine } from "./command-line.ts";
import type { Scratch } from "./scratch.ts";
import type { Stage } from "./stage.ts";

type Serving = { stage: Stage; service: CommandLine; scratch: Scratch };
type Status = { workloads: { name: string; url: string | null; release?: number }[] };

const flower = { features: [5.1, 3.5, 1.4, 0.2] };

/** Leaves a service that is awake. @throws Error when anything is not as it should be */
export async function serve({ stage, service, scratch }: Serving): Promise<void> {
  stage.chapter("A pipeline trains a model, checks it, and ships it");
  stage.say(`The example project examples/iris, copied to ${scratch.serving} and committed there.`);
  await commit(scratch.serving);
  const began = performance.now();
  await service.run(["pipeline", "run", "iris"], { doing: "it trains, lints, tests, validates and deploys" });
  stage.took("pipeline: five stages, environments made", performance.now() - began);
  const url = await findUrl(service);
  await predict(stage, url);

  const beganAgain = performance.now();
  await service.run(["pipeline", "run", "iris"]);
  stage.took("the same again: nothing has changed", performance.now() - beganAgain);

  stage.chapter("What was not checked is not shipped");
  await appendFile(join(scratch.serving, "src", "app.py"), "# a small change\n");
  stage.command("sesta deploy iris -y");
  const refused = await service.run(["deploy", "iris", "-y"], { quiet: true }).then(
    () => "",
    (error: unknown) => String(error),
  );
  if (!refused.includes("were not validated")) throw new Error(`it should have been refused: ${refused}`);
  stage.output(refused.split("\n").find((line) => line.startsWith("error:")) ?? refused);
  await predict(stage, url);
  await service.run(["releases", "iris"]);
}

async function predict(stage: Stage, url: string): Promise<void> {
  const body = JSON.stringify(flower);
  stage.command(`curl -X POST ${url}/predict -H 'Content-Type: application/json' -d '${body}'`);
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${url}/predict`, { method: "POST", headers, body });
  const text = await answer.text();
  stage.output(text);
  if (JSON.stringify(JSON.parse(text)) !== '{"prediction":0}')
    throw new Error(`not what it should predict: ${text}`);
}

async function findUrl(service: CommandLine): Promise<string> {
  const { workloads } = (await service.json(["status"])) as Status;
  const url = workloads.find(({ name }) => name === "iris")?.url;
  if (!url) throw new Error("the service should be up");
  return url;
}

async function commit(folder: string): Promise<void> {
  const who = ["-c", "user.name=Demo", "-c", "user.email=demo@example.org", "-c", "commit.gpgsign=false"];
  for (const argv of [
    ["init", "-q"],
    ["add", "-A"],
    [...who, "commit", "-qm", "A classifier of irises"],
  ])
    await promisify(execFile)("git", ["-C", folder, ...argv]);
}
