// Follows a run to its end: its output as it comes, its state as it changes.
import type { SestaError } from "../../base/errors.ts";
import { followRun as followStream, type FollowState, type RunStream } from "../../machine/runs/follow.ts";
import type { RunFacts } from "../../machine/runs/contact.ts";
import { isOver, partOf, type Run } from "../../model/run.ts";
import type { Context } from "../context.ts";
import { openHost } from "../machines.ts";
import { learnFacts, refreshRun } from "./refresh.ts";
import { withNode } from "./start.ts";

export type Listener = {
  /** Output of a node; awaited. */
  bytes(node: number, stream: RunStream, chunk: Buffer): Promise<void> | void;
  /** Of the first node whose state changed. */
  state(node: number, state: Exclude<FollowState, { kind: "gone" }>): void;
  /** The line to a machine broke, and is tried again; undefined: it is back. */
  trouble(machine: string, problem: { error: SestaError; retryMs: number } | undefined): void;
};

const lookEveryMs = 1_000;

/** Streams that a run has: what it prints, and standard output apart where it goes to a file of its own. */
export function streamsOf({ settings }: Pick<Run, "settings">): readonly RunStream[] {
  return settings.stdout === undefined ? ["output"] : ["stdout", "output"];
}

/**
 * Until it is over and all of its output has come.
 * @param offsetOf how many bytes of a node's stream are known already
 * @throws the signal's reason when it aborts first
 */
export async function followRun(
  context: Context,
  run: Run,
  listener: Listener,
  offsetOf: (node: number, stream: RunStream) => number = () => 0,
): Promise<Run> {
  const { signal, clock } = context.world;
  const stop = new AbortController();
  const facts: RunFacts[] = [];
  const heard: Listener = {
    ...listener,
    state(node, state) {
      if (state.kind === "ended") facts[node] = state.facts;
      listener.state(node, state);
    },
  };
  const either = AbortSignal.any([signal, stop.signal]);
  const streams = run.nodes.flatMap((_, node) =>
    streamsOf(run).map((stream) =>
      followOne(context, run, { node, stream, offset: offsetOf(node, stream) }, heard, either),
    ),
  );
  const watching = run.nodes.length > 1 ? watch(context, run, stop.signal) : undefined;
  try {
    await Promise.all(streams);
  } finally {
    stop.abort();
    await watching;
  }
  signal.throwIfAborted();
  const isTold = run.nodes.every((_, node) => facts[node] !== undefined);
  let known = isTold ? learnFacts(context, run, facts) : await refreshRun(context, run);
  while (!isOver(known.state)) {
    await clock.sleep(lookEveryMs, signal);
    known = await refreshRun(context, known);
  }
  return known;
}

async function followOne(
  context: Context,
  run: Run,
  { node, stream, offset }: { node: number; stream: RunStream; offset: number },
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  const machine = run.nodes[node]?.machine ?? "";
  const host = await openHost(context, run.target, machine);
  let known = offset;
  let last = "";
  let wasThere = false;
  for (let isGone = true; isGone && !signal.aborted;) {
    isGone = false;
    known = await followStream(host, partOf(run, node), {
      stream,
      offset: known,
      clock: context.world.clock,
      signal,
      onBytes: (chunk) => listener.bytes(node, stream, chunk),
      onState(state) {
        if (state.kind === "gone") return void (isGone = true);
        wasThere = true;
        const text = JSON.stringify(state);
        if (text !== last) listener.state(node, state);
        last = text;
      },
      onBreak: (problem) => listener.trouble(machine, problem),
    });
    if (!isGone || (await isLost(context, run, node, wasThere))) return;
    await context.world.clock.sleep(lookEveryMs, signal).catch(() => undefined); // it may be on its way
  }
}

/** Whether a node is over whose folder is not there. One that was seen there is, whatever was noted of it so far. */
async function isLost(context: Context, run: Run, node: number, wasThere: boolean): Promise<boolean> {
  const noted = context.state.changeRun(run.id, (one) =>
    wasThere && one.nodes[node]?.state === "starting" ? withNode(one, node, { state: "queued" }) : one,
  );
  const { nodes } = await refreshRun(context, noted);
  return isOver(nodes[node]?.state ?? "lost");
}

/** Several machines begin together and end together: that takes somebody who looks at all of them. */
async function watch(context: Context, run: Run, signal: AbortSignal): Promise<void> {
  let known = run;
  while (!signal.aborted && !isOver(known.state)) {
    const before = known;
    known = await refreshRun(context, before).catch(() => before); // the next look tries again
    await context.world.clock.sleep(lookEveryMs, signal).catch(() => undefined);
  }
}
