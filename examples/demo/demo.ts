// `npm run demo`: a team's Jupyter Lab, a training, a model service and MLflow from nothing to nothing, with the real command line, in a scratch folder.
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createCommandLine, type CommandLine } from "./command-line.ts";
import { createScratch } from "./scratch.ts";
import { serve } from "./serving.ts";
import { createStage } from "./stage.ts";
import { tellStory, type Play } from "./story.ts";
import { track } from "./tracking.ts";
import { train } from "./training.ts";

const { stdin, stdout, stderr } = process;
const interactive = stdin.isTTY === true && stdout.isTTY === true;
const live = stdout.isTTY === true && stderr.isTTY === true && process.env["CI"] === undefined;
const colour = stdout.isTTY === true && !process.env["NO_COLOR"];
const stage = createStage((text) => void stdout.write(text), live, colour);

// Whoever reads may go away (`| head`); what was begun is then still cleaned up.
stdout.on("error", () => undefined);
stderr.on("error", () => undefined);

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    stage.say(interrupted.signal.aborted ? "still cleaning up …" : `stopped (${name}); cleaning up`);
    interrupted.abort(new Error("interrupted"));
  });
}

// PYTHONDONTWRITEBYTECODE makes every start of Jupyter compile it anew; no user's shell sets it.
const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
const scratch = await createScratch();
const env = { ...inherited, TEAM_PASS: scratch.password };
const { signal } = interrupted;
const sesta = createCommandLine(stage, { folder: scratch.team, env, live, signal });
// A home of its own leaves nothing in the user's; what was downloaded once is used from there all the same.
const caches = inherited["XDG_CACHE_HOME"] || join(homedir(), ".cache");
const kept = { SESTA_CACHE: join(caches, "sesta"), UV_CACHE_DIR: join(caches, "uv") };
const elsewhere = { env: { ...kept, ...env, HOME: scratch.home }, live, signal };
const job = createCommandLine(stage, { folder: scratch.training, ...elsewhere });
const service = createCommandLine(stage, { folder: scratch.serving, ...elsewhere });
const tracked = createCommandLine(stage, { folder: scratch.tracking, ...elsewhere });
process.exitCode = await play({ stage, sesta, scratch, signal });

/** The exit code. Whatever happens, nothing is left behind. */
async function play(parts: Play): Promise<number> {
  let failed = false;
  try {
    const { gateway, lab } = await tellStory(parts);
    await train({ stage, job, scratch });
    await serve({ stage, service, scratch });
    await track({ stage, tracked, scratch });
    if (interactive) await lookAround(gateway, lab);
  } catch (error) {
    failed = true;
    if (!signal.aborted) stage.problem(error instanceof Error ? error.message : String(error));
  }
  const clean = await cleanUp();
  if (signal.aborted) return 130;
  if (!failed && clean) stage.table();
  return failed || !clean ? 1 : 0;
}

/** Until Enter or Ctrl-C. */
async function lookAround(gateway: string, lab: string): Promise<void> {
  stage.chapter("Your turn");
  stage.say(`The lab:       ${lab}/lab`);
  stage.say(`Its password:  ${scratch.password}`);
  stage.say(`All workloads: ${gateway}/`);
  stage.say(`The team's URL, as one would paste it: ${gateway}/v1/start?pass=${scratch.password}`);
  stage.say("Press Enter to take it all down (Ctrl-C does too).");
  await new Promise<void>((resolve) => {
    stdin.once("data", () => resolve());
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  stdin.pause();
}

async function cleanUp(): Promise<boolean> {
  stage.chapter("Everything is taken away, with a receipt");
  const isDown = [
    await takeDown(sesta, "down: the lab"),
    await takeDown(job, "down: the training"),
    await takeDown(service, "down: the service"),
    await takeDown(tracked, "down: the tracker, backed up first"),
  ];
  if (isDown.includes(false)) return false;
  await scratch.remove();
  stage.say(`The scratch folder is gone too: ${scratch.folder}\n`);
  return true;
}

async function takeDown(project: CommandLine, what: string): Promise<boolean> {
  const began = performance.now();
  try {
    await project.run(["down", "-y"], { unstoppable: true, doing: "taking it down" });
    stage.took(what, performance.now() - began);
    return true;
  } catch (error) {
    stage.problem(error instanceof Error ? error.message : String(error));
    const { folder } = project;
    const home = project !== sesta ? `HOME=${scratch.home} ` : "";
    stage.say(`What is left is in ${folder}; take it down with: ${home}sesta down -y -C ${folder}`);
    return false;
  }
}
