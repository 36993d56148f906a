// What counts as use beside Jupyter: the user's own command, GPUs, and places that cannot be looked at.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { protect } from "../../base/redact.ts";
import { findIdentity } from "../../machine/identity.ts";
import { createLocalMachine } from "../../machine/local.ts";
import type { KeepAwake, Launch } from "../../model/launch.ts";
import { createEvidence, type Watched } from "./evidence.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-evidence-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const identity = await findIdentity(process.pid);
if (!identity) throw new Error("this process has no identity");

function watched(keepAwake: KeepAwake | undefined, evidence: "none" | "jupyter" = "none"): Watched {
  const idle = { idleMs: 1, maxAwakeMs: null, evidence, ...(keepAwake && { keepAwake }) };
  return {
    launch: { name: "notebook", idle } as Launch,
    places: { environment: "/e", workspace: folder, disk: "kept", sessions: false },
    identity: identity as NonNullable<typeof identity>,
    startId: "no-such-start",
    address: () => {
      throw new Error("no token");
    },
  };
}

function collector(env: NodeJS.ProcessEnv = process.env) {
  const clock = createFakeClock();
  return { clock, collect: createEvidence({ machine: createLocalMachine(env), clock }) };
}

test("nothing to look at is no evidence", async () => {
  expect(await collector().collect(watched(undefined))).toEqual([]);
});

test.each([
  ["exit 0", "your command says that it is used"],
  ["echo; exit 0", "your command says that it is used"],
  ["printf '2 jobs in \\033[31mthe queue\\nmore'", "your command says that it is used (2 jobs in the queue)"],
  ["echo secret-of-the-team", "your command says that it is used ([redacted])"],
  ["exit 2", "whether your command finds use is unknown (it ended with 2); that counts as use"],
  ["kill -9 $$", "whether your command finds use is unknown (it ended with 137); that counts as use"],
  ["no-such-program", "whether your command finds use is unknown (it ended with 127); that counts as use"],
])("the user's command %s: %s", async (command, source) => {
  protect("secret-of-the-team");
  expect(await collector().collect(watched({ forMs: 0, command }))).toEqual([
    { source, at: "now", key: "command" },
  ]);
});

test("the user's command runs in the workspace, and 1 is no use", async () => {
  const command = `test -f here.txt && exit 1`;
  writeFileSync(join(folder, "here.txt"), "");
  expect(await collector().collect(watched({ forMs: 0, command }))).toEqual([]);
});

test("the user's command that does not end counts as use, and is not started again meanwhile", async () => {
  const { clock, collect } = collector();
  const command = `echo begun >>count; while [ ! -e end ]; do sleep 0.05; done`;
  const first = collect(watched({ forMs: 0, command }));
  const second = await collect(watched({ forMs: 0, command }));
  expect(second[0]?.source).toContain("it still runs since it was last asked");
  await clock.advance(11_000);
  expect((await first)[0]?.source).toContain("it did not end within 10 s");
  writeFileSync(join(folder, "end"), "");
});

test("GPUs: no nvidia-smi is unknown and so use; a busy one counts once it was busy for long enough", async () => {
  const keepAwake = { gpuPercent: 50, forMs: 60_000 };
  const missing = await collector({ PATH: "/nonexistent" }).collect(watched(keepAwake));
  expect(missing).toEqual([
    {
      source: "how busy the GPUs are could not be found out (nvidia-smi was not found); that counts as use",
      at: "now",
      key: "gpu",
    },
  ]);
  const program = join(folder, "nvidia-smi");
  writeFileSync(program, '#!/bin/sh\necho 3\necho "$BUSY"\n', { mode: 0o755 });
  const { clock, collect } = collector({ PATH: `${folder}:${process.env["PATH"]}`, BUSY: "80" });
  expect(await collect(watched(keepAwake))).toEqual([]);
  await clock.advance(60_000);
  expect(await collect(watched(keepAwake))).toEqual([
    { source: "a GPU is 80 % busy", at: "now", key: "gpu" },
  ]);
  const idle = collector({ PATH: `${folder}:${process.env["PATH"]}`, BUSY: "49" });
  await idle.collect(watched(keepAwake));
  await idle.clock.advance(60_000);
  expect(await idle.collect(watched(keepAwake))).toEqual([]);
});

test("processors: this process at work is above a threshold that it reaches, and below one that it cannot", async () => {
  const look = async (cpuPercent: number) => {
    const { clock, collect } = collector();
    const keepAwake = { cpuPercent, forMs: 1_000 };
    expect(await collect(watched(keepAwake))).toEqual([]);
    const until = process.cpuUsage().user + 300_000; // microseconds
    while (process.cpuUsage().user < until);
    await clock.advance(1_000); // 300 ms of work in what the clock takes for a second
    return collect(watched(keepAwake));
  };
  expect(await look(20)).toEqual([
    { source: expect.stringMatching(/^its programs take \d+ % of a core$/) as string, at: "now", key: "cpu" },
  ]);
  expect(await look(100_000)).toEqual([]);
});

test("each place that cannot be looked at is use by itself, and keeps no other from being looked at", async () => {
  const found = await collector().collect(watched({ forMs: 0, command: "exit 0" }, "jupyter"));
  expect(found.map(({ source }) => source)).toEqual(
    expect.arrayContaining([
      "Jupyter could not be asked (no token); that counts as use",
      "your command says that it is used",
    ]),
  );
});

async function answer(bodies: Record<string, unknown>): Promise<{ server: Server; watched: Watched }> {
  const server = createServer((request, response) => {
    const body = bodies[(request.url ?? "").split("?", 1)[0] ?? ""];
    response.statusCode = body === undefined ? 500 : 200;
    response.end(JSON.stringify(body ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const address = () => ({ host: "127.0.0.1", port, headers: {} });
  return { server, watched: { ...watched(undefined, "jupyter"), address } };
}

test("states of kernels: what computes is use, what is dead or waits for nobody is not, the unknown is", async () => {
  const kernel = (id: string, execution_state: string | undefined, connections = 1) => ({
    id,
    execution_state,
    connections,
    last_activity: "2030-01-01T00:00:00.000000Z",
  });
  const { server, watched: lab } = await answer({
    "/api/kernels": [
      kernel("a", "busy"),
      kernel("b", "idle"),
      kernel("c", "dead"),
      kernel("d", "starting", 0),
      kernel("e", "starting"),
      kernel("f", undefined),
      { id: "g", execution_state: "idle" },
    ],
    "/api/sessions": [
      { name: "train\u001b[2J\n.ipynb", kernel: { id: "a" } },
      { path: "x/y.ipynb", kernel: { id: "b" } },
    ],
  });
  const at = Date.UTC(2030, 0, 1);
  expect(await collector().collect(lab)).toEqual([
    { source: "a kernel is busy (train .ipynb)", at: "now", key: "kernel a" },
    { source: "a kernel was used (y.ipynb)", at, key: "kernel b" },
    { source: "a kernel was used", at, key: "kernel c" },
    { source: "a kernel was used", at, key: "kernel d" },
    { source: "a kernel is starting", at: "now", key: "kernel e" },
    { source: "a kernel is in an unknown state", at: "now", key: "kernel f" },
  ]);
  server.close();
});

test("Jupyter without names of notebooks is asked all the same; without kernels it is unknown", async () => {
  const kernels = [{ id: "a", execution_state: "busy" }];
  const half = await answer({ "/api/kernels": kernels });
  expect((await collector().collect(half.watched)).map(({ source }) => source)).toEqual(["a kernel is busy"]);
  const none = await answer({ "/api/sessions": [] });
  expect((await collector().collect(none.watched)).map(({ source }) => source)).toEqual([
    "Jupyter did not answer when asked; that counts as use",
  ]);
  half.server.close();
  none.server.close();
});
