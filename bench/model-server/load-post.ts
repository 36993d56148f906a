// Loads a port with POST requests of JSON over kept connections, with wrk.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** @returns requests per second, latencies in ms. @throws Error with what wrk printed when an answer was no 2xx */
export async function loadPost(
  port: number,
  { path, body }: { path: string; body: string },
  connections: number,
  seconds: number,
): Promise<{ rate: number; p50: number; p99: number }> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-bench-wrk-"));
  const script = join(folder, "post.lua");
  const lua = `wrk.method = "POST"\nwrk.body = ${JSON.stringify(body)}\nwrk.headers["Content-Type"] = "application/json"\n`;
  writeFileSync(script, lua);
  const options = ["-t1", `-c${connections}`, `-d${seconds}`, "--timeout", "10", "--latency", "-s", script];
  const child = spawn("wrk", [...options, `http://127.0.0.1:${port}${path}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const output = (await child.stdout.toArray()).join("");
  rmSync(folder, { recursive: true, force: true });
  if (/Non-2xx/.test(output)) throw new Error(output);
  const percentile = (share: string) => {
    const [, value, unit] = new RegExp(`${share}% +([\\d.]+)(us|ms|s)`).exec(output) ?? [];
    return Number(value) * (unit === "us" ? 0.001 : unit === "s" ? 1000 : 1);
  };
  return {
    rate: Number(/Requests\/sec: +([\d.]+)/.exec(output)?.[1]),
    p50: percentile("50"),
    p99: percentile("99"),
  };
}
