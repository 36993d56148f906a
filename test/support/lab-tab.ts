// What a browser's tab does with a running lab: connects to kernels and terminals, sends, loses its connection.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import type { RunningLab } from "./running-lab.ts";

type Message = {
  msg_type: string;
  parent_header: { msg_id?: string };
  content: Readonly<Record<string, unknown>>;
};

export type LabAddress = Pick<RunningLab, "port" | "token">;
export type KernelTab = Awaited<ReturnType<typeof openKernelTab>>;

/** Resolves when the kernel has answered a first question, as JupyterLab asks it. */
export async function openKernelTab(lab: LabAddress, kernel: string) {
  const socket = await connect(lab, `/api/kernels/${kernel}/channels?session_id=${randomUUID()}`);
  const send = (type: string, content: object, channel = "shell", header: object = {}): string => {
    const id = randomUUID();
    const whole = {
      msg_id: id,
      session: randomUUID(),
      username: "",
      msg_type: type,
      version: "5.3",
      ...header,
    };
    socket.send(
      JSON.stringify({ channel, header: whole, parent_header: {}, metadata: {}, content, buffers: [] }),
    );
    return id;
  };
  /** The first message of a type that answers a request; listen before the request can be answered. */
  const answer = (id: string, type: string, state?: string): Promise<Message> =>
    new Promise((resolve) => {
      const listen = (data: Buffer) => {
        const message = JSON.parse(String(data)) as Message;
        if (message.parent_header.msg_id !== id || message.msg_type !== type) return;
        if (state !== undefined && message.content["execution_state"] !== state) return;
        socket.off("message", listen);
        resolve(message);
      };
      socket.on("message", listen);
    });
  await answer(send("kernel_info_request", {}), "kernel_info_reply");
  return {
    send,
    answer,
    /** The id of the request. */
    execute: (code: string, header: object = {}): string =>
      send(
        "execute_request",
        {
          code,
          silent: false,
          store_history: false,
          user_expressions: {},
          allow_stdin: false,
          stop_on_error: true,
        },
        "shell",
        header,
      ),
    /** As a network that is gone: without a goodbye. */
    drop: () => socket.terminate(),
  };
}

export async function openTerminalTab(lab: LabAddress, name: string) {
  const socket = await connect(lab, `/terminals/websocket/${name}`);
  const send = (...message: unknown[]) => socket.send(JSON.stringify(message));
  let printed = "";
  socket.on("message", (data: Buffer) => {
    const [kind, text] = JSON.parse(String(data)) as [string, unknown];
    if (kind === "stdout") printed += String(text);
  });
  return {
    printed: () => printed,
    type: (text: string) => send("stdin", text),
    resize: (rows: number, columns: number) => send("set_size", rows, columns, rows * 20, columns * 9),
    drop: () => socket.terminate(),
  };
}

async function connect(lab: LabAddress, path: string): Promise<WebSocket> {
  const headers = { authorization: `token ${lab.token}` };
  const socket = new WebSocket(`ws://127.0.0.1:${lab.port}${path}`, { headers });
  await once(socket, "open");
  return socket;
}
