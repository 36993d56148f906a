// The metrics page, read by the Prometheus project's own parser.
import { expect, test } from "vitest";
import { exchangeRaw, startHttpBackend } from "../../../test/support/door.ts";
import { findPrometheusParser } from "../../../test/support/prometheus.ts";
import { startService } from "../../../test/support/service-door.ts";

const name = 'a "b"\\c';

test("is what Prometheus reads, and adds up", { timeout: 120_000 }, async ({ skip }) => {
  const parse = findPrometheusParser();
  if (typeof parse === "string") {
    console.log(`skipped: ${parse}`);
    return skip();
  }
  const { port: backend } = await startHttpBackend((request, response) =>
    response.writeHead(request.url === "/bad" ? 500 : 200).end("ok"),
  );
  const { port } = await startService([backend, backend], { name });
  const ask = (method: string, path: string) =>
    exchangeRaw(port, `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  for (const path of ["/", "/", "/bad", "/health"]) await ask("GET", path);
  await ask("PROPFIND", "/");
  const page = await ask("GET", "/metrics");
  expect(page).toMatch(/\r\nContent-Type: text\/plain; version=0\.0\.4/);
  const families = parse(page.slice(page.indexOf("\r\n\r\n") + 4));
  expect(families.map((family) => [family.name, family.type])).toEqual([
    ["sesta_requests", "counter"],
    ["sesta_request_duration_seconds", "histogram"],
    ["sesta_requests_in_flight", "gauge"],
    ["sesta_requests_held", "gauge"],
    ["sesta_websockets_open", "gauge"],
    ["sesta_replicas", "gauge"],
    ["sesta_upstream_failures", "counter"],
    ["sesta_retries", "counter"],
  ]);
  const samples = families.flatMap((family) => family.samples);
  expect(samples.every(({ labels }) => labels["service"] === name)).toBe(true);
  const value = (sample: string, labels: Record<string, string> = {}) =>
    samples.find(
      (one) => one.name === sample && Object.entries(labels).every(([key, is]) => one.labels[key] === is),
    )?.value;
  expect(value("sesta_requests_total", { code: "200", method: "GET" })).toBe(3);
  expect(value("sesta_requests_total", { code: "500", method: "GET" })).toBe(1);
  expect(value("sesta_requests_total", { code: "200", method: "other" })).toBe(1);
  expect(value("sesta_request_duration_seconds_count")).toBe(5);
  const buckets = samples.filter((one) => one.name === "sesta_request_duration_seconds_bucket");
  expect(buckets.at(-1)).toMatchObject({ labels: { le: "+Inf" }, value: 5 });
  expect(buckets.every(({ value: count }, index) => count >= (buckets[index - 1]?.value ?? 0))).toBe(true);
  expect(value("sesta_replicas", { state: "healthy" })).toBe(2);
  expect(value("sesta_requests_in_flight")).toBe(0);
});
