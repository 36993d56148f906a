// A command started by hand on a port, as a person would: to its first answer, and to its end.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export type ByHand = { port: number; pid: number; tookMs: number; end(): Promise<void> };

const askEveryMs = 1;

/** Given to `sh -c`, as Sesta does; asked every millisecond. @param tookMs to the first answer with 200 */
export async function startByHand(
  command: string,
  port: number,
  path: string,
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<ByHand> {
  const began = performance.now();
  const child = spawn("/bin/sh", ["-c", command], {
    cwd,
    env: { ...env, PORT: String(port) },
    detached: true,
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  while ((await askOnce(port, path).catch(() => 0)) !== 200) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    await delay(askEveryMs);
  }
  const tookMs = performance.now() - began;
  const { pid = 0 } = child;
  return {
    port,
    pid,
    tookMs,
    async end() {
      if (child.exitCode === null) process.kill(-pid, "SIGTERM");
      await ended;
    },
  };
}

/** Over a connection of its own. @returns the status */
export function askOnce(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, agent: false }, (answer) => {
      answer.once("error", reject);
      answer.resume().once("end", () => resolve(answer.statusCode ?? 0));
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}
