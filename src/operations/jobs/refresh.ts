// Brings what is known of runs up to date: asks their machines, lets those begin together that wait for each other, and
// ends a run of several machines when one of them has failed.
import { messageOf } from "../../base/errors.ts";
import type { Host } from "../../machine/host.ts";
import { isAlive } from "../../machine/identity.ts";
import { contactRuns, type RunFacts } from "../../machine/runs/contact.ts";
import { askToStop, letGo } from "../../machine/runs/stop.ts";
import { isOver, partOf, type Run, type RunNode } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { judgeNode, judgeRun, type Submitter } from "./judge.ts";

/** How long a machine may take to answer before the others are not kept waiting. */
const patienceMs = 20_000;

type Asked = { run: Run; node: number };
type Answer = { facts?: RunFacts; problem?: string };

/** Machines are asked once each, all at once; one that does not answer is no error, its runs say so. */
export async function refreshRuns(context: Context, runs: readonly Run[]): Promise<Run[]> {
  const open = runs.filter(({ state }) => !isOver(state));
  const answers = await askMachines(context, open);
  return Promise.all(
    runs.map(async (run) => {
      const found = answers.get(run.id);
      if (!found) return run;
      const changed = learn(context, run.id, found, await findSubmitter(context, run));
      if (run.nodes.length > 1) await bringTogether(context, changed, found);
      return changed;
    }),
  );
}

export async function refreshRun(context: Context, run: Run): Promise<Run> {
  return (await refreshRuns(context, [run]))[0] ?? run;
}

/** What a machine has said already. @param facts of each node */
export function learnFacts(context: Context, { id }: Run, facts: readonly RunFacts[]): Run {
  return learn(
    context,
    id,
    facts.map((one) => ({ facts: one })),
    "none",
  );
}

function learn({ state }: Context, id: string, answers: readonly Answer[], submitter: Submitter): Run {
  return state.changeRun(id, (run) =>
    judgeRun({ ...run, nodes: run.nodes.map((node, at) => judge(run, node, answers[at], submitter)) }),
  );
}

/** Its command still sets machines up for it, or is about to start it there. */
export async function isOnItsWay({ state, submitter }: Run): Promise<boolean> {
  return state === "starting" && submitter !== null && (await isAlive(submitter));
}

async function findSubmitter({ state }: Context, { id, job, submitter }: Run): Promise<Submitter> {
  if (!submitter) return "none";
  if (await isAlive(submitter)) return "alive";
  return state.listRuns(job)[0]?.id === id ? "dead" : "left";
}

function judge(run: Run, node: RunNode, answer: Answer | undefined, submitter: Submitter): RunNode {
  if (answer?.facts) return judgeNode(node, answer.facts, run.settings, submitter);
  if (isOver(node.state)) return node;
  return { ...node, why: answer?.problem ?? `${node.machine} has not been asked.` };
}

async function askMachines(context: Context, runs: readonly Run[]): Promise<Map<string, Answer[]>> {
  const answers = new Map<string, Answer[]>(runs.map(({ id, nodes }) => [id, nodes.map(() => ({}))]));
  const byMachine = new Map<string, Asked[]>();
  for (const run of runs) {
    run.nodes.forEach(({ machine }, node) => {
      const key = JSON.stringify([run.target, machine]);
      byMachine.set(key, [...(byMachine.get(key) ?? []), { run, node }]);
    });
  }
  await Promise.all(
    [...byMachine].map(async ([key, asked]) => {
      const [target, machine] = JSON.parse(key) as [string, string];
      const told = await ask(context, target, machine, asked);
      asked.forEach(({ run, node }, at) => {
        const list = answers.get(run.id);
        if (list) list[node] = told[at] ?? {};
      });
    }),
  );
  return answers;
}

async function ask(
  context: Context,
  target: string,
  machine: string,
  asked: readonly Asked[],
): Promise<Answer[]> {
  try {
    const host = await openHost(context, target, machine);
    const ids = asked.map(({ run, node }) => partOf(run, node));
    const facts = await contactRuns(host, ids, { timeoutMs: patienceMs, signal: context.world.signal });
    return ids.map((id) => {
      const found = facts.find((one) => one.id === id);
      return found ? { facts: found } : { problem: `${machine} said nothing of it.` };
    });
  } catch (error) {
    context.world.signal.throwIfAborted();
    return asked.map(() => ({ problem: `${machine} could not be asked: ${messageOf(error)}` }));
  }
}

async function bringTogether(context: Context, run: Run, answers: readonly Answer[]): Promise<void> {
  const { nodes, target } = run;
  const tell = (work: (host: Host, part: string) => Promise<void>, isChosen: (node: RunNode) => boolean) =>
    Promise.all(
      nodes.map(async (node, rank) => {
        if (!isChosen(node)) return;
        const told = openHost(context, target, node.machine).then((host) => work(host, partOf(run, rank)));
        await told.catch(() => undefined); // the next look tries again
      }),
    );
  const failed = nodes.some(({ state }) => isOver(state) && state !== "succeeded");
  if (failed) {
    await tell(
      (host, part) => askToStop(host, part, "peer"),
      ({ state, folder }) => !isOver(state) && folder !== null,
    );
    return;
  }
  const waits = answers.some(({ facts }) => facts?.isReady && facts.startedS === null);
  const all = answers.every(({ facts }) => facts && (facts.isReady || facts.startedS !== null));
  if (waits && all) await tell(letGo, () => true);
}
