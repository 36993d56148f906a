// Counters of all workers in one shared piece of memory, and their text for Prometheus: any worker can tell of all.

export type Route = (typeof routes)[number];

export type WorkerMetrics = {
  begin(): void;
  /** @param seconds from the head of the request to the end of its answer */
  end(route: Route, status: number, seconds: number): void;
  ran(rows: number): void;
};

const routes = ["predict", "infer", "metadata", "health", "metrics", "other"] as const;
/** 499: the client went away before it was answered. */
const statuses = [200, 400, 404, 405, 408, 413, 431, 499, 500, 503] as const;
const secondsBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const rowsBounds = [1, 2, 4, 8, 16, 32, 64, 128];
const timedRoutes: readonly Route[] = ["predict", "infer"];

// Where each counter of one worker stands.
const inFlightAt = 0;
const requestsAt = inFlightAt + 1;
const rowsAt = requestsAt + routes.length * statuses.length;
const histogramSize = (bounds: readonly number[]) => bounds.length + 2; // with what is above all, and the sum
const secondsAt = rowsAt + histogramSize(rowsBounds);
const stride = secondsAt + timedRoutes.length * histogramSize(secondsBounds);

/** Zeros; a worker that takes the place of another goes on with its counts. */
export function createCounters(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * stride * Float64Array.BYTES_PER_ELEMENT);
}

/** Only the worker with this number writes there. Nothing is in flight when it begins. */
export function openMetrics(counters: SharedArrayBuffer, worker: number): WorkerMetrics {
  const own = new Float64Array(counters, worker * stride * Float64Array.BYTES_PER_ELEMENT, stride);
  own[inFlightAt] = 0;
  const add = (at: number, value: number) => {
    own[at] = (own[at] ?? 0) + value;
  };
  const observe = (at: number, bounds: readonly number[], value: number) => {
    const bucket = bounds.findIndex((bound) => value <= bound);
    add(at + (bucket === -1 ? bounds.length : bucket), 1);
    add(at + bounds.length + 1, value);
  };
  return {
    begin: () => add(inFlightAt, 1),
    end(route, status, seconds) {
      add(inFlightAt, -1);
      const column = (statuses as readonly number[]).indexOf(status);
      add(
        requestsAt +
          routes.indexOf(route) * statuses.length +
          (column === -1 ? statuses.indexOf(500) : column),
        1,
      );
      const timed = timedRoutes.indexOf(route);
      if (timed !== -1) observe(secondsAt + timed * histogramSize(secondsBounds), secondsBounds, seconds);
    },
    ran: (rows) => observe(rowsAt, rowsBounds, rows),
  };
}

/** In the text format of Prometheus, version 0.0.4. */
export function writeMetrics(counters: SharedArrayBuffer, model: string): string {
  const all = new Float64Array(counters);
  const workers = all.length / stride;
  const sum = (at: number) => {
    let total = 0;
    for (let worker = 0; worker < workers; worker += 1) total += all[worker * stride + at] ?? 0;
    return total;
  };
  const label = `model=${JSON.stringify(model)}`;
  const lines = [
    ...head("workers", "gauge", "Threads that are to answer."),
    `sesta_model_workers{${label}} ${workers}`,
    ...head("requests_in_flight", "gauge", "Requests that are being answered."),
    `sesta_model_requests_in_flight{${label}} ${sum(inFlightAt)}`,
    ...head("requests_total", "counter", "Requests by route and status; 499 is a client that went away."),
  ];
  for (const [row, route] of routes.entries())
    for (const [column, status] of statuses.entries()) {
      const count = sum(requestsAt + row * statuses.length + column);
      const labels = `${label},route="${route}",code="${status}"`;
      if (count > 0) lines.push(`sesta_model_requests_total{${labels}} ${count}`);
    }
  lines.push(
    ...head("request_duration_seconds", "histogram", "From the head of a request to the end of its answer."),
  );
  for (const [index, route] of timedRoutes.entries()) {
    const at = secondsAt + index * histogramSize(secondsBounds);
    lines.push(
      ...writeHistogram("request_duration_seconds", `${label},route="${route}"`, secondsBounds, (i) =>
        sum(at + i),
      ),
    );
  }
  lines.push(...head("batch_rows", "histogram", "Rows of one run of the model."));
  lines.push(...writeHistogram("batch_rows", label, rowsBounds, (index) => sum(rowsAt + index)));
  return `${lines.join("\n")}\n`;
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP sesta_model_${name} ${help}`, `# TYPE sesta_model_${name} ${type}`];
}

function writeHistogram(
  name: string,
  labels: string,
  bounds: readonly number[],
  at: (index: number) => number,
): string[] {
  let below = 0;
  const buckets = [...bounds, "+Inf"].map((bound, index) => {
    below += at(index);
    return `sesta_model_${name}_bucket{${labels},le="${bound}"} ${below}`;
  });
  const total = `sesta_model_${name}_sum{${labels}} ${at(bounds.length + 1)}`;
  return [...buckets, total, `sesta_model_${name}_count{${labels}} ${below}`];
}
