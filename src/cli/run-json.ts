// A run as the command line prints it in JSON.
import type { Run } from "../model/run.ts";

export function buildRunJson(run: Run) {
  return {
    id: run.id,
    job: run.job,
    state: run.state,
    exit_code: run.exitCode,
    machine: run.nodes.map(({ machine }) => machine).join(","),
    commit: run.commit,
    started: isoOf(run.startedAt),
    ended: isoOf(run.endedAt),
    created: isoOf(run.createdAt),
    dirty: run.dirty,
    target: run.target,
    args: run.args,
    why: run.why,
    container: run.container,
    packages: run.packages,
    peak_memory_bytes: run.peakBytes,
    fetched: run.fetched && {
      files: run.fetched.files,
      bytes: run.fetched.bytes,
      into: run.fetched.into,
      at: isoOf(run.fetched.at),
    },
    nodes: run.nodes.map((node, rank) => ({
      rank,
      machine: node.machine,
      state: node.state,
      why: node.why,
      place: node.place,
      exit_code: node.exitCode,
      attempts: node.attempts,
      started: isoOf(node.startedAt),
      ended: isoOf(node.endedAt),
      peak_memory_bytes: node.peakBytes,
      memory_limit_bytes: node.limitBytes,
      folder: node.folder,
    })),
  };
}

function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
