// Runs a front door in a process of its own, so that its memory and file descriptors can be measured and limited.
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export type DoorProcess = {
  port: number;
  pid: number;
  rssBytes(): number;
  openFiles(): number;
  alive(): boolean;
};

/** @param fileLimit the most file descriptors the process may have open */
export async function startDoorProcess(backend: number, fileLimit?: number): Promise<DoorProcess> {
  const script = fileURLToPath(new URL("door-main.ts", import.meta.url));
  const limit = fileLimit === undefined ? "" : `ulimit -n ${fileLimit}; `;
  const child = spawn("sh", ["-c", `${limit}exec "$0" "$@"`, process.execPath, script, String(backend)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).once("line", (line) => resolve(Number(line)));
    child.once("exit", (code) => reject(new Error(`the door ended with ${code}`)));
  });
  const pid = child.pid ?? 0;
  return {
    port,
    pid,
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024,
    openFiles: () => readdirSync(`/proc/${pid}/fd`).length,
    alive: () => child.exitCode === null && child.signalCode === null,
  };
}
