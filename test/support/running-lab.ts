// A lab started exactly as its launch says, without an agent: its process, its requests, its kernels.
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { WebSocket } from "ws";
import type { Launch } from "../../src/model/launch.ts";
import { fill } from "../../src/model/template.ts";

export type RunningLab = Awaited<ReturnType<typeof startLab>>;

export type LabPlaces = { environment: string; folder: string; port?: number; env?: NodeJS.ProcessEnv };

/** @param places `folder` holds workspace, runtime and keep; `env` is added to this process's own */
export async function startLab(launch: Launch, { environment, folder, port: wanted, env }: LabPlaces) {
  const [workspace, runtime, keep] = ["workspace", "run", "keep"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [workspace, runtime, keep]) mkdirSync(path, { recursive: true, mode: 0o700 });
  const token = randomBytes(32).toString("base64url");
  const port = wanted ?? (await findFreePort());
  const places = {
    environment,
    workspace,
    runtime,
    keep,
    port: String(port),
    token_file: join(runtime, "token"),
  };
  for (const [name, text] of Object.entries({ ...launch.process.files, token })) {
    writeFileSync(join(runtime, name), text, { mode: 0o600 });
  }
  const [program = "", ...operands] = launch.process.argv.map((part) => fill(part, places));
  const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
  const child = spawn(program, operands, {
    cwd: workspace,
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  child.stdout.on("data", (data: Buffer) => log.push(String(data)));
  child.stderr.on("data", (data: Buffer) => log.push(String(data)));
  const ended = once(child, "close").then(([code]) => code as number | null);
  const request = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      redirect: "manual",
      ...init,
      headers: { authorization: `token ${token}`, ...(init.headers as Record<string, string> | undefined) },
    });

  return {
    child,
    port,
    token,
    workspace,
    runtime,
    keep,
    log: () => log.join(""),
    ended,
    request,
    /** True when its port is bound and it answers; false when it ended first. */
    answering: () => untilAnswering(launch, child, runtime, request),
    /** What a cell prints, in a new kernel. */
    runCell: (code: string) => runCell(port, token, request, code),
  };
}

/** A port that nothing listens on. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no address");
  return address.port;
}

async function untilAnswering(
  launch: Launch,
  child: ChildProcess,
  runtime: string,
  request: (path: string) => Promise<Response>,
): Promise<boolean> {
  const bound = join(runtime, (launch.process.boundFile ?? "").replace("{pid}", String(child.pid)));
  while (child.exitCode === null && child.signalCode === null) {
    if (existsSync(bound) && (await request(launch.door.healthPath)).status === 200) return true;
    await delay(10);
  }
  return false;
}

async function runCell(
  port: number,
  token: string,
  request: (path: string, init?: RequestInit) => Promise<Response>,
  code: string,
): Promise<string> {
  const kernel = (await (await request("/api/kernels", { method: "POST", body: "{}" })).json()) as {
    id: string;
  };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/kernels/${kernel.id}/channels`, {
    headers: { authorization: `token ${token}`, origin: "http://elsewhere.example:8471" },
  });
  await once(socket, "open");
  const header = {
    msg_id: randomUUID(),
    session: randomUUID(),
    username: "",
    msg_type: "execute_request",
    version: "5.3",
  };
  const content = {
    code,
    silent: false,
    store_history: false,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: true,
  };
  let printed = "";
  const done = new Promise<void>((resolve) => {
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(String(data)) as KernelMessage;
      if (message.parent_header.msg_id !== header.msg_id) return;
      if (message.msg_type === "stream") printed += message.content.text;
      if (message.msg_type === "error") printed += message.content.evalue;
      if (message.msg_type === "status" && message.content.execution_state === "idle") resolve();
    });
  });
  socket.send(
    JSON.stringify({ channel: "shell", header, parent_header: {}, metadata: {}, content, buffers: [] }),
  );
  await done;
  socket.terminate();
  return printed;
}

type KernelMessage = {
  msg_type: string;
  parent_header: { msg_id?: string };
  content: { text?: string; evalue?: string; execution_state?: string };
};

/** Pids of processes, on Linux, whose command line or environment holds `text`. */
export function listProcesses(text: string, pids: readonly string[]): string[] {
  return pids.filter((pid) =>
    ["cmdline", "environ"].some((file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, "utf8").includes(text);
      } catch {
        return false;
      }
    }),
  );
}
