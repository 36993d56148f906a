// What is interrupted while sources are sent is said to be interrupted, not that a disk is bad.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createHost } from "../../machine/host.ts";
import { createLocalMachine } from "../../machine/local.ts";
import { sendSources } from "./send-sources.ts";

const home = mkdtempSync(join(tmpdir(), "sesta-send-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("Ctrl-C after the files were sent and before they are kept", async () => {
  writeFileSync(join(home, "a.txt"), "a");
  const stopping = new AbortController();
  const host = await createHost(createLocalMachine({ ...process.env, HOME: home }));
  const lookAgain = async () => {
    stopping.abort();
    return "d";
  };
  const upload = { folder: home, files: ["a.txt"], bytes: 1, lookAgain };
  const sources = { digest: "d", commit: null, dirty: null, upload };
  const report = { detail: () => undefined, bytes: () => undefined, signal: stopping.signal };
  const tree = `${host.base}/cache/trees/d`;
  await expect(sendSources(host, "me", sources, tree, report)).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(existsSync(tree)).toBe(false);
  await sendSources(host, "me", sources, tree, { ...report, signal: new AbortController().signal });
  expect(existsSync(join(tree, "tree", "a.txt"))).toBe(true);
});
