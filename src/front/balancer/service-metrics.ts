// What a service's door counts, and the page of it in the Prometheus text format 0.0.4.
import type { UpstreamFailure } from "../proxy/door.ts";
import type { Balancer } from "./balancer.ts";

export type ServiceMetrics = {
  /** A request was answered. @param method any; undefined where none could be read */
  count(status: number, method?: string): void;
  /** A request that a replica was to answer is over. */
  lasted(seconds: number): void;
  failed(what: UpstreamFailure): void;
  retried(): void;
  /** Open WebSockets. */
  sockets: number;
  text(): string;
};

export const metricsType = "text/plain; version=0.0.4; charset=utf-8";

const methods = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "other"];
const statuses = 600;
/** From a model of microseconds behind loopback to one that thinks for minutes, in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const failures: readonly UpstreamFailure[] = ["refused", "unreachable", "reset", "silent", "invalid"];

export function createServiceMetrics(name: string, balancer: Balancer, held: () => number): ServiceMetrics {
  const service = `service="${escapeLabel(name)}"`;
  const requests = new Float64Array(methods.length * statuses);
  const buckets = new Float64Array(bounds.length + 1);
  const failed = new Map(failures.map((what) => [what, 0]));
  let seconds = 0;
  let retries = 0;

  const metrics: ServiceMetrics = {
    sockets: 0,
    count(status, method = "other") {
      const at = methods.indexOf(method);
      const index = (at === -1 ? methods.length - 1 : at) * statuses + status;
      requests[index] = (requests[index] ?? 0) + 1;
    },
    lasted(took) {
      let at = 0;
      while (took > (bounds[at] ?? Infinity)) at += 1;
      buckets[at] = (buckets[at] ?? 0) + 1;
      seconds += took;
    },
    failed: (what) => void failed.set(what, (failed.get(what) ?? 0) + 1),
    retried: () => void (retries += 1),
    text() {
      const page = createPage();
      page.head(
        "sesta_requests_total",
        "counter",
        "Requests that were answered; 499: the client left before.",
      );
      requests.forEach((count, index) => {
        if (count === 0) return;
        const method = methods[Math.floor(index / statuses)];
        page.line(`{${service},code="${index % statuses}",method="${method}"}`, count);
      });
      page.head("sesta_request_duration_seconds", "histogram", "From a request's head to its answer's end.");
      let below = 0;
      buckets.forEach((count, index) => {
        below += count;
        page.line(`{${service},le="${bounds[index] ?? "+Inf"}"}`, below, "_bucket");
      });
      page.line(`{${service}}`, seconds, "_sum");
      page.line(`{${service}}`, below, "_count");
      page.one(
        "sesta_requests_in_flight",
        "gauge",
        "Requests and WebSockets now, held ones too.",
        balancer.inFlight(),
      );
      page.one("sesta_requests_held", "gauge", "Requests that wait for a replica.", held());
      page.one("sesta_websockets_open", "gauge", "WebSockets that are open.", metrics.sockets);
      page.head("sesta_replicas", "gauge", "Replicas by what becomes of new requests there.");
      for (const [state, count] of countReplicas(balancer)) page.line(`{${service},state="${state}"}`, count);
      page.head("sesta_upstream_failures_total", "counter", "Replicas that did not answer as they should.");
      for (const [reason, count] of failed) page.line(`{${service},reason="${reason}"}`, count);
      page.one("sesta_retries_total", "counter", "Requests that another replica was given.", retries);
      return page.text();
    },
  };

  function createPage() {
    let text = "";
    let named = "";
    const page = {
      head(metric: string, type: "counter" | "gauge" | "histogram", help: string) {
        named = metric;
        text += `# HELP ${metric} ${help}\n# TYPE ${metric} ${type}\n`;
      },
      line: (labels: string, value: number, suffix = "") =>
        void (text += `${named}${suffix}${labels} ${value}\n`),
      one(metric: string, type: "counter" | "gauge", help: string, value: number) {
        page.head(metric, type, help);
        page.line(`{${service}}`, value);
      },
      text: () => text,
    };
    return page;
  }
  return metrics;
}

function countReplicas(balancer: Balancer): Map<string, number> {
  const counts = new Map([["healthy", 0], ["unhealthy", 0], ["ejected", 0], ["draining", 0]]); // prettier-ignore
  for (const { routed, healthy, ejectedUntil } of balancer.replicas()) {
    const state = !routed
      ? "draining"
      : !healthy
        ? "unhealthy"
        : ejectedUntil === null
          ? "healthy"
          : "ejected";
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
