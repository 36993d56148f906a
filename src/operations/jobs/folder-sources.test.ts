// The project's folder as sources: what `sesta run > out.txt` writes into it is none.
import { appendFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createScratchContext } from "../../../test/support/scratch-context.ts";
import { findProjectFiles } from "./folder-sources.ts";

test("a file that the command itself prints to is not sent, and changes nothing", async () => {
  const { folder, context, end } = await createScratchContext("name: own\n");
  try {
    writeFileSync(join(folder, "train.py"), "print(1)\n");
    const before = await findProjectFiles(context, []);
    const printed = join(folder, "out.txt");
    writeFileSync(printed, "so far\n");
    const { dev, ino } = statSync(printed);
    const seen = await findProjectFiles(
      { ...context, world: { ...context.world, printsTo: [{ dev, ino }] } },
      [],
    );
    appendFileSync(printed, "more\n");
    expect([seen.digest, seen.upload?.files]).toEqual([before.digest, before.upload?.files]);
    expect(await seen.upload?.lookAgain?.()).toBe(before.digest);
    expect((await findProjectFiles(context, [])).upload?.files).toContain("out.txt");
  } finally {
    await end();
  }
});
