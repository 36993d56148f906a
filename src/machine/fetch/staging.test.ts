// The folders that killed fetches left are taken over, also when their process id is another's by now.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { openStaging } from "./staging.ts";

test("of a process that ended, not of one that lives", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-staging-"));
  const mine = await openStaging(folder, "source");
  const [, digest = ""] = /fetch-(\w+)-/.exec(mine) ?? [];
  expect((await openStaging(folder, "source")) === mine).toBe(false);
  rmSync(folder, { recursive: true });
  for (const [at, pid] of [process.pid, 4_194_305].entries()) {
    const left = join(folder, `.sesta-fetch-${digest}-${pid}-0123456789ab-0000000${at}`);
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, "part"), "part");
  }
  const taken = await openStaging(folder, "source");
  expect([readdirSync(folder), readdirSync(taken)]).toEqual([[basename(taken)], ["part"]]);
  rmSync(folder, { recursive: true });
});
