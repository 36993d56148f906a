// Runs cells in a kernel through the front door, over a WebSocket as JupyterLab does.
import { randomUUID } from "node:crypto";
import type { Visitor } from "./visitor.ts";

/** One output as a notebook file holds it. */
export type Output = { output_type: string; [field: string]: unknown };
export type Kernel = {
  id: string;
  /** Resolves when the cell has run; what it raised is one of its outputs. */
  execute(code: string): Promise<Output[]>;
  close(): void;
};

/** Starts a kernel for the notebook at `path` and connects to it. */
export async function openKernel(visitor: Visitor, path: string): Promise<Kernel> {
  const wanted = { path, name: path, type: "notebook", kernel: { name: "python3" } };
  const session = await (await visitor.request("/api/sessions", { method: "POST", json: wanted })).json();
  const { id } = (session as { kernel: { id: string } }).kernel;
  const socket = await connect(visitor, `/api/kernels/${id}/channels`);
  return { id, execute: (code) => execute(socket, code), close: () => socket.close() };
}

async function connect(visitor: Visitor, path: string): Promise<WebSocket> {
  // Node's own WebSocket takes headers beside the standard's arguments.
  const socket = new WebSocket(visitor.origin.replace(/^http/, "ws") + path, { headers: visitor.headers });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    socket.addEventListener("error", () => reject(new Error("the kernel's WebSocket was refused")), {
      once: true,
    });
  });
  return socket;
}

/** One execute_request and what comes back for it (Jupyter's messaging protocol 5.3, as JSON over one socket). */
function execute(socket: WebSocket, code: string): Promise<Output[]> {
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
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: true,
  };
  const ended = new AbortController();
  const { signal } = ended;
  const outputs: Output[] = [];
  return new Promise<Output[]>((resolve, reject) => {
    const onMessage = ({ data }: MessageEvent): void => {
      const message = JSON.parse(String(data)) as Message;
      if (message.parent_header.msg_id !== header.msg_id) return;
      if (outputTypes.has(message.msg_type)) addOutput(outputs, message);
      if (message.msg_type === "status" && message.content["execution_state"] === "idle") resolve(outputs);
    };
    socket.addEventListener("message", onMessage, { signal });
    socket.addEventListener("close", () => reject(new Error("the connection to the kernel ended")), {
      signal,
    });
    socket.send(
      JSON.stringify({ channel: "shell", header, parent_header: {}, metadata: {}, content, buffers: [] }),
    );
  }).finally(() => ended.abort());
}

type Message = { msg_type: string; parent_header: { msg_id?: string }; content: Record<string, unknown> };

const outputTypes = new Set(["stream", "error", "execute_result", "display_data"]);

/** Pieces of one stream become one output. */
function addOutput(outputs: Output[], { msg_type, content }: Message): void {
  const last = outputs.at(-1);
  const continues =
    msg_type === "stream" && last?.output_type === "stream" && last["name"] === content["name"];
  if (last && continues) last["text"] = `${String(last["text"])}${String(content["text"])}`;
  else {
    const { transient: _, ...kept } = content;
    outputs.push({ output_type: msg_type, ...kept });
  }
}
