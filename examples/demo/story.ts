// The story that the demo tells: up, refused, woken, used, idle, asleep, woken again.
import type { CommandLine } from "./command-line.ts";
import { openKernel } from "./kernel.ts";
import { makeNotebook, printed, readPrinted, saveNotebook } from "./notebook.ts";
import { findLastStay, getAddresses, untilAsleep } from "./record.ts";
import type { Scratch } from "./scratch.ts";
import type { Stage } from "./stage.ts";
import { logIn } from "./visitor.ts";
import { askToStart, reloadUntilAwake } from "./wake-endpoint.ts";

export type Play = { stage: Stage; sesta: CommandLine; scratch: Scratch; signal: AbortSignal };
type Addresses = { gateway: string; lab: string };

const code = `total = sum(n * n for n in range(1, 101))
print(f"The first hundred squares add up to {total}.")`;
const expected = "The first hundred squares add up to 338350.\n";
const shortIdle = "8s";
const longestIdleMs = 60_000;

/** Leaves the lab awake, with one notebook. @throws Error when anything is not as it should be */
export async function tellStory(play: Play): Promise<Addresses> {
  const addresses = await bringUp(play);
  await beRefused(play, addresses);
  await wake(play, addresses, "woken through its URL, to answering");
  const path = await runNotebook(play, addresses);
  await fallAsleep(play);
  await wake(play, addresses, "woken again");
  await findAgain(play, addresses, path);
  return addresses;
}

async function bringUp({ stage, sesta, scratch }: Play): Promise<Addresses> {
  stage.chapter("A project comes up");
  stage.say(
    `The example project examples/notebook, copied to ${scratch.team}; TEAM_PASS holds a made-up password.`,
  );
  stage.say("A first run downloads JupyterLab, and uv where it is missing; that may take a minute or two.");
  const began = performance.now();
  await sesta.run(["up", "-y"], { doing: "the environment is made" });
  stage.took("up: environment, agent, gateway", performance.now() - began);
  return getAddresses(sesta);
}

async function beRefused({ stage }: Play, { gateway }: Addresses): Promise<void> {
  stage.chapter("Nobody gets in without the password");
  for (const [password, shown, status] of [
    [undefined, "", 400],
    ["guess", "?pass=guess", 403],
  ] as const) {
    stage.command(`curl '${gateway}/v1/start${shown}'`);
    const answer = await askToStart(gateway, password);
    stage.output(`${answer.status} ${answer.text}`);
    expectSame(answer.status, status, "the answer's status");
  }
}

async function wake(
  { stage, sesta, scratch, signal }: Play,
  { gateway }: Addresses,
  what: string,
): Promise<void> {
  stage.chapter(`The URL wakes the lab${what.includes("again") ? " again" : ""}`);
  stage.command(`curl "${gateway}/v1/start?pass=$TEAM_PASS"`);
  const began = performance.now();
  const first = await askToStart(gateway, scratch.password);
  stage.output(`${first.status} ${first.text}`);
  if (!first.text.includes("Jupyter Lab will start in")) throw new Error("it should have been asleep");
  const last = await stage.waiting("reloading", reloadUntilAwake(gateway, scratch.password, signal));
  const ms = performance.now() - began;
  stage.output(`${last.status} ${last.text}`);
  const jupyterMs = await findLastStay(sesta, "waking");
  stage.took(what, ms, jupyterMs === undefined ? undefined : Math.max(0, ms - jupyterMs));
}

async function runNotebook({ stage, scratch }: Play, { lab }: Addresses): Promise<string> {
  stage.chapter("A notebook cell runs, through the front door");
  const began = performance.now();
  const visitor = await logIn(lab, scratch.password);
  stage.took(`logged in at ${lab}`, performance.now() - began, performance.now() - began);

  const path = await makeNotebook(visitor);
  const beforeKernel = performance.now();
  const kernel = await stage.waiting("the kernel starts", openKernel(visitor, path));
  const beforeCell = performance.now();
  stage.output(code);
  const outputs = await stage.waiting("the cell runs", kernel.execute(code));
  const ended = performance.now();
  kernel.close();
  stage.output(`→ ${printed(outputs)}`);
  expectSame(printed(outputs), expected, "what the cell printed");
  stage.took("kernel started and connected", beforeCell - beforeKernel);
  stage.took("cell run, its output back", ended - beforeCell);
  await saveNotebook(visitor, path, code, outputs);
  stage.say(`Saved with its output: ${scratch.team}/notebook/${path}`);
  return path;
}

async function fallAsleep({ stage, sesta, scratch, signal }: Play): Promise<void> {
  stage.chapter("Nobody uses it, so it sleeps");
  stage.say(`Nobody watches 40 minutes go by: the copy's sesta.yaml now says idle: ${shortIdle}.`);
  await scratch.setIdle(shortIdle);
  const beforeUp = performance.now();
  await sesta.run(["up", "-y"]);
  stage.took("setting taken over while it runs", performance.now() - beforeUp, performance.now() - beforeUp);
  await sesta.run(["why", "notebook"]);
  const began = performance.now();
  await stage.waiting("nobody uses it", untilAsleep(sesta, longestIdleMs, signal));
  stage.took(`left alone until it was asleep (idle: ${shortIdle})`, performance.now() - began);
  const endingMs = await findLastStay(sesta, "sleeping");
  if (endingMs !== undefined) stage.took("of that: kernels and Jupyter ended", endingMs);
  await sesta.run(["why", "notebook"]);
  await scratch.setIdle("40m");
  await sesta.run(["up", "-y"], { quiet: true });
}

async function findAgain({ stage, scratch }: Play, { lab }: Addresses, path: string): Promise<void> {
  const found = await readPrinted(await logIn(lab, scratch.password), path);
  stage.say(`${path} is still there, and says:`);
  stage.output(found);
  expectSame(found, expected, "what the saved notebook says");
}

function expectSame(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted)
    throw new Error(`${what} should be ${JSON.stringify(wanted)}, and is ${JSON.stringify(found)}`);
}
