// Starts replica-main.ts, which a test may kill in the midst of its requests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

export type ReplicaProcess = {
  port: number;
  /** Method and path of each request that it has read. */
  seen: string[];
  /** Resolves when it has ended and everything that it saw is known. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
};

export async function startReplicaProcess(): Promise<ReplicaProcess> {
  const script = fileURLToPath(new URL("replica-main.ts", import.meta.url));
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const closed = once(child, "close");
  const seen: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on("line", (line) => {
      if (/^\d+$/.test(line)) resolve(Number(line));
      else seen.push(line);
    });
    child.once("exit", (code) => reject(new Error(`the replica ended with ${code}`)));
  });
  return {
    port,
    seen,
    async end(signal) {
      child.kill(signal);
      await closed;
    },
  };
}
