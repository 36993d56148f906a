// F17, F20: one verb at a time, by name; the kernel lets go of a lock whose holder died.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findHolder, takeLock } from "./lock.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-lock-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const newPath = () => join(folder, String((count += 1)));
const since = Date.UTC(2030, 0, 1);

function holder(path: string, code = "setInterval(() => lock, 1000);") {
  const script = `import { takeLock } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
    try {
      const lock = await takeLock(${JSON.stringify(path)}, { verb: "up", pid: process.pid, since: ${since} });
      console.log("taken"); ${code}
    } catch (error) { console.log(error.code); }`;
  return spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", script],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
}

test("F17: held elsewhere: BUSY names verb, process and age; killed: free at once", async () => {
  const path = newPath();
  const child = holder(path);
  await once(child.stdout, "data");
  const later = { verb: "down", pid: 1, since: since + 42_000 };
  await expect(takeLock(path, later)).rejects.toMatchObject({
    code: "BUSY",
    message: `\`sesta up\` (process ${child.pid}, for 42 s) is changing this project`,
  });
  child.kill("SIGKILL");
  await once(child, "exit");
  (await takeLock(path, later)).release();
  expect(findHolder(path)).toEqual(later);
});

test("F20: of twenty at once one wins and nineteen are told", { timeout: 120_000 }, async () => {
  const path = newPath();
  const children = Array.from({ length: 20 }, () => holder(path));
  const said = await Promise.all(
    children.map(async ({ stdout }) => String((await once(stdout, "data"))[0]).trim()),
  );
  expect(said.toSorted()).toEqual([...Array.from({ length: 19 }, () => "BUSY"), "taken"]);
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
});

test("released and taken again, as often as wanted; its files are the owner's alone", async () => {
  const path = newPath();
  for (let round = 0; round < 20; round++) (await takeLock(path, { verb: "up", pid: 1, since })).release();
  expect([`${path}.lock`, `${path}.json`].map((one) => statSync(one).mode & 0o777)).toEqual([0o600, 0o600]);
});

test("a holder's file that cannot be read names nobody", async () => {
  const path = newPath();
  expect(findHolder(path)).toBeUndefined();
  const lock = await takeLock(path, { verb: "up", pid: 1, since });
  writeFileSync(`${path}.json`, "{ half");
  expect(findHolder(path)).toBeUndefined();
  await expect(takeLock(path, { verb: "up", pid: 2, since })).rejects.toMatchObject({
    message: "another command is changing this project",
  });
  lock.release();
});
