// A host that is away: woken and waited for where the project says how, else said at once.
import { expect, test } from "vitest";
import { createFakeClock } from "../../../test/support/fake-clock.ts";
import { SestaError } from "../../base/errors.ts";
import { reachHost } from "./reach.ts";

const away = new SestaError("SSH_CONNECTION", "box cannot be reached: No route to host");

function createRig(
  answersAfterMs: number,
  failure: Error = away,
  mac: string | undefined = "04:7c:16:aa:bb:cc",
) {
  const clock = createFakeClock();
  const sent: string[] = [];
  const stop = new AbortController();
  const reached = reachHost({
    machine: {
      name: "box",
      run: async () => {
        if (clock.monotonic() < answersAfterMs) throw failure;
        return { exitCode: 0, stdout: "", stderr: "" };
      },
    },
    clock,
    signal: stop.signal,
    mac,
    sendWake: async (to) => void sent.push(to),
  });
  reached.catch(() => undefined);
  return { clock, sent, reached, stop };
}

test("one that answers is sent nothing", async () => {
  const { reached, sent } = createRig(0);
  await reached;
  expect(sent).toEqual([]);
});

test("one that sleeps is sent a packet every few seconds until it answers", async () => {
  const { clock, reached, sent } = createRig(12_000);
  await clock.advance(15_000);
  await reached;
  expect(sent).toEqual(Array(3).fill("04:7c:16:aa:bb:cc"));
});

test("one that stays away is given up after minutes, with what to check", async () => {
  const { clock, reached } = createRig(Infinity);
  await clock.advance(6 * 60_000);
  await expect(reached).rejects.toMatchObject({
    code: "SSH_CONNECTION",
    message: "box was woken over the network and does not answer",
    problems: [away.message],
    hint: expect.stringContaining("wake: { mac }") as string,
  });
});

test("without an address, or where it only lets nobody in, nothing is sent and nothing waited for", async () => {
  const withoutMac = reachHost({
    machine: {
      name: "box",
      run: async () => {
        throw away;
      },
    },
    clock: createFakeClock(),
    signal: new AbortController().signal,
    mac: undefined,
    sendWake: async () => undefined,
  });
  await expect(withoutMac).rejects.toBe(away);
  const refused = new SestaError("SSH_CONNECTION", "box does not let you in: Permission denied (publickey).");
  const { reached, sent } = createRig(Infinity, refused);
  await expect(reached).rejects.toBe(refused);
  expect(sent).toEqual([]);
});

test("who gives up waiting is let go", async () => {
  const { clock, reached, stop } = createRig(Infinity);
  await clock.advance(1_000);
  stop.abort(new Error("stopped"));
  await expect(reached).rejects.toThrow("stopped");
});
