// Adaptive batching: what waits runs together in one call, and what comes alone does not wait.
import type { Model, Tensor } from "./model.ts";

/** Rows `from` to `from + rows` along the first dimension; `rows` is -1 for all there are. */
export type Slice = { outputs: readonly Tensor[]; from: number; rows: number };

export type Job = {
  /** In the order of the model's inputs. */
  inputs: readonly Tensor[];
  /** Nobody waits for it any more. */
  isAbandoned(): boolean;
  done(slice: Slice): void;
  fail(error: unknown): void;
};

export type Batcher = {
  /** False when too much waits already. */
  submit(job: Job): boolean;
};

type Options = {
  /** Rows of one call; a job with more of its own still runs, alone. 1: nothing is ever joined. */
  maxRows: number;
  /** Jobs that wait. */
  maxWaiting: number;
  onRun(rows: number): void;
};

/**
 * Jobs that come in while a call runs, or in the same turn of the event loop, are joined where all their inputs agree in
 * every dimension but the first, and that one is free in the model. One that makes a joined call fail fails alone.
 */
export function createBatcher(model: Model, { maxRows, maxWaiting, onRun }: Options): Batcher {
  let waiting: Job[] = [];
  // Taken back for good when a model turns out to give another number of rows than it was given.
  let canJoin = maxRows > 1 && [...model.inputs, ...model.outputs].every(({ shape }) => shape[0] === -1);

  const runAlone = (job: Job) => {
    if (job.isAbandoned()) return;
    onRun(job.inputs[0]?.dims[0] ?? 1);
    let outputs: Tensor[];
    try {
      outputs = model.run(job.inputs);
    } catch (error) {
      job.fail(error);
      return;
    }
    job.done({ outputs, from: 0, rows: -1 });
  };

  const runJoined = (jobs: readonly Job[]) => {
    const counts = jobs.map((job) => rowsOf(job) ?? 0);
    const total = counts.reduce((sum, count) => sum + count, 0);
    let outputs: Tensor[];
    try {
      outputs = model.run(join(model, jobs, total));
    } catch {
      jobs.forEach(runAlone);
      return;
    }
    if (outputs.some(({ dims }) => dims[0] !== total)) {
      canJoin = false;
      jobs.forEach(runAlone);
      return;
    }
    onRun(total);
    let from = 0;
    for (const [index, job] of jobs.entries()) {
      const rows = counts[index] ?? 0;
      job.done({ outputs, from, rows });
      from += rows;
    }
  };

  /** One call a turn, so that new requests and health checks come in between. */
  const turn = () => {
    const [first, ...rest] = waiting;
    if (first === undefined) return;
    const jobs = canJoin ? takeFitting(first, rest, maxRows) : [first];
    waiting = jobs.length === waiting.length ? [] : waiting.filter((job) => !jobs.includes(job));
    if (waiting.length > 0) setImmediate(turn);
    if (jobs.length === 1) runAlone(first);
    else runJoined(jobs);
  };

  return {
    submit(job) {
      if (waiting.length >= maxWaiting) return false;
      if (waiting.push(job) === 1) setImmediate(turn);
      return true;
    },
  };
}

function takeFitting(first: Job, rest: readonly Job[], maxRows: number): Job[] {
  const jobs = [first];
  let rows = rowsOf(first) ?? maxRows;
  for (const job of rest) {
    if (rows >= maxRows) break;
    const more = rowsOf(job) ?? maxRows;
    if (rows + more > maxRows || job.isAbandoned() || !isAlike(first, job)) continue;
    jobs.push(job);
    rows += more;
  }
  return jobs;
}

/** Undefined where the inputs do not agree. */
function rowsOf({ inputs }: Job): number | undefined {
  const rows = inputs[0]?.dims[0];
  return inputs.every(({ dims }) => dims[0] === rows) ? rows : undefined;
}

function isAlike(one: Job, other: Job): boolean {
  return one.inputs.every(({ dims }, index) => {
    const others = other.inputs[index]?.dims ?? [];
    return dims.length === others.length && dims.every((length, at) => at === 0 || length === others[at]);
  });
}

function join(model: Model, jobs: readonly Job[], rows: number): Tensor[] {
  return model.inputs.map(({ datatype }, index) => {
    const parts = jobs.flatMap(({ inputs }) => inputs[index] ?? []);
    const length = parts.reduce((sum, { data }) => sum + data.length, 0);
    const dims = [rows, ...(parts[0]?.dims.slice(1) ?? [])];
    return {
      data: datatype.join(
        parts.map(({ data }) => data),
        length,
      ),
      dims,
    };
  });
}
