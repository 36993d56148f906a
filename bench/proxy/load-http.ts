// Loads a port with GET requests over kept connections: with wrk, or with a client in a worker where it is missing.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export const headers = {
  Cookie: "_xsrf=2|4b5c6d7e; sesta_lab=cookie-7",
  Accept: "application/json",
  "User-Agent": "bench",
};

export type HttpLoad = { count: number; seconds: number; p50Ms: number; p99Ms: number };

export async function loadHttp(port: number, connections: number, seconds: number): Promise<HttpLoad> {
  if (!hasWrk()) {
    const worker = new Worker(new URL("load-worker.ts", import.meta.url), {
      workerData: { port, connections, seconds, headers },
    });
    const [result] = (await once(worker, "message")) as [HttpLoad];
    return result;
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const options = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}`,
    "--latency",
    ...lines,
    `http://127.0.0.1:${port}/`,
  ];
  const child = spawn("wrk", options, { stdio: ["ignore", "pipe", "inherit"] });
  const output = (await child.stdout.toArray()).join("");
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(output);
  const [, count, tookSeconds] = /(\d+) requests in ([\d.]+)s/.exec(output) ?? [];
  const readMs = (percent: number) => {
    const [, figure, unit] = new RegExp(`${percent}% +([\\d.]+)(us|ms|s)`).exec(output) ?? [];
    return Number(figure) * (unit === "us" ? 0.001 : unit === "s" ? 1000 : 1);
  };
  return { count: Number(count), seconds: Number(tookSeconds), p50Ms: readMs(50), p99Ms: readMs(99) };
}

let found: boolean | undefined;
function hasWrk(): boolean {
  if (found === undefined) {
    found = spawnSync("wrk", ["-v"]).error === undefined;
    if (!found)
      console.log("wrk is not installed: a Node client loads instead, and shares its speed with all peers");
  }
  return found;
}
