// Programs with long input and output: ended with all that they started, and never waited for in vain.
import { expect, it } from "vitest";
import { lives, until } from "../../test/faults/support/processes.ts";
import { openPipe } from "./pipe.ts";

const env = { PATH: process.env["PATH"] ?? "" };
const sh = (script: string, options: { signal?: AbortSignal; silenceMs?: number } = {}) => {
  const pipe = openPipe(["sh", "-c", script], { env, ...options });
  pipe.stdout.resume();
  return pipe;
};

it("tells how a program ended and what it complained of", async () => {
  expect(await sh("echo no >&2; exit 3").ended).toEqual({ exitCode: 3, stderr: "no\n", silent: false });
  await expect(openPipe(["/nowhere/program"], { env }).ended).rejects.toMatchObject({
    code: "COMMAND_MISSING",
  });
});

it("F8: stops one that has fallen silent, and not one that goes on", async () => {
  expect(await sh("sleep 600", { silenceMs: 50 }).ended).toMatchObject({ exitCode: 128, silent: true });
  const steady = "for turn in 1 2 3 4 5 6 7 8; do echo . >&2; sleep 0.05; done";
  expect(await sh(steady, { silenceMs: 30_000 }).ended).toMatchObject({ exitCode: 0, silent: false });
});

it("stops what the program itself has started too", async () => {
  const controller = new AbortController();
  const { ended, stderr } = openWithChild(controller.signal);
  const child = await stderr;
  controller.abort();
  await ended;
  await until(() => !lives(child), "what it started lives on");
});

it("does not wait for one that was left behind and holds stderr open", async () => {
  const { stdin, stdout, ended } = openPipe(
    ["sh", "-c", "setsid sleep 20 </dev/null >/dev/null & echo done"],
    { env },
  );
  stdin.end();
  stdout.resume();
  expect(await ended).toMatchObject({ exitCode: 0 });
});

function openWithChild(signal: AbortSignal): { ended: Promise<unknown>; stderr: Promise<number> } {
  const { stdout, ended } = openPipe(["sh", "-c", "sleep 600 & echo $!; wait"], { env, signal });
  const first = new Promise<number>(
    (resolve) => void stdout.once("data", (part: Buffer) => resolve(Number(part))),
  );
  return { ended, stderr: first };
}
