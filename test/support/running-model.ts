// A model server in a process of its own, on a free port, and what it printed.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { root } from "./source-files.ts";

export type RunningModel = {
  url: string;
  child: ChildProcess;
  /** JSON where the answer is JSON, else text. */
  ask(path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  log(): string;
  /** TERM, and its exit code. */
  stop(): Promise<number | null>;
};

export const modelServer = join(root, "src/model-server/main.ts");

/** @throws Error with what it said, when it ends instead of listening */
export async function startModel(options: readonly string[], program = modelServer): Promise<RunningModel> {
  const child = spawn(process.execPath, [program, "--port", "0", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  const ended = once(child, "exit");
  const line = await Promise.race([once(createInterface(child.stdout), "line"), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(log);
  const { url } = JSON.parse(String(line[0])) as { url: string };
  return {
    url,
    child,
    async ask(path, body) {
      const sent = typeof body === "string" ? body : JSON.stringify(body);
      const answer = await fetch(
        `${url}${path}`,
        body === undefined ? {} : { method: "POST", body: sent ?? "" },
      );
      const text = await answer.text();
      const isJson = answer.headers.get("content-type") === "application/json";
      return { status: answer.status, body: isJson ? (JSON.parse(text) as unknown) : text };
    },
    log: () => log,
    async stop() {
      child.kill("SIGTERM");
      const [code] = (await ended) as [number | null];
      return code;
    },
  };
}
