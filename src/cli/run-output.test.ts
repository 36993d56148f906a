// What is shown of a run while it goes on.
import { PassThrough, type Writable } from "node:stream";
import { expect, test } from "vitest";
import { SestaError } from "../base/errors.ts";
import type { Run } from "../model/run.ts";
import type { Reporter } from "./progress.ts";
import { createRunOutput } from "./run-output.ts";
import type { Terminal } from "./terminal.ts";

function createRig(machines: readonly string[], stdout?: string) {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const said: string[] = [];
  const run = { id: "train-1-abcd", nodes: machines.map((machine) => ({ machine })), settings: { stdout } };
  const output = createRunOutput(
    run as unknown as Run,
    { out, err },
    { end: () => undefined, show: () => undefined } as unknown as Reporter,
    {
      err: (text: string) => said.push(text),
      paint: (_: string, text: string) => text,
    } as unknown as Terminal,
  );
  const read = (stream: Writable) => String((stream as PassThrough).read() ?? "");
  return { output, said, out: () => read(out), err: () => read(err) };
}

test("a last line without an end goes where the rest of its stream went", async () => {
  const { output, out, err } = createRig(["a", "b"], "output.txt");
  await output.bytes(0, "stdout", Buffer.from("loss 1\nloss"));
  await output.bytes(1, "output", Buffer.from("warning 1\nwarning"));
  output.end();
  expect([out(), err()]).toEqual(["[0 a] loss 1\n[0 a] loss", "[1 b] warning 1\n[1 b] warning"]);
});

test("a connection that breaks is told of once, however many streams came over it", () => {
  const { output, said } = createRig(["box"], "output.txt");
  const problem = { error: new SestaError("SSH_CONNECTION", "no route"), retryMs: 1_000 };
  for (const told of [problem, undefined, problem]) {
    output.trouble("box", told);
    output.trouble("box", told);
  }
  expect(said.map((text) => text.slice(0, 16))).toEqual([
    "! the connection",
    "! box is back\n",
    "! the connection",
  ]);
});
