// Changes are heard in the folders that are watched, with their names, and no longer in those that were let go.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { until } from "../../../../test/faults/support/processes.ts";
import { createTreeWatch } from "./watch-tree.ts";

const workspace = realpathSync(mkdtempSync(join(tmpdir(), "sesta-watch-")));
mkdirSync(join(workspace, "a", "b"), { recursive: true });
afterAll(() => rmSync(workspace, { recursive: true }));

test.each([false, true])("with one watch for all of them: %s", async (recursive) => {
  const heard: string[] = [];
  const watch = createTreeWatch(
    { workspace, onChange: (folder, name) => heard.push(`${folder}: ${name}`) },
    recursive,
  );
  for (const folder of ["", "a", "a/b"]) watch.add(folder, folder);
  writeFileSync(join(workspace, "a", "b", `x${recursive}`), "1");
  await until(() => heard.includes(`a/b: x${recursive}`), "the inner one is not heard");
  writeFileSync(join(workspace, `y${recursive}`), "1");
  await until(() => heard.includes(`: y${recursive}`), "the outer one is not heard");
  watch.add("missing", "1");
  expect(watch.takeBlind()).toBe(false);
  watch.close();
});

test("what is let go of is silent", async () => {
  const heard: string[] = [];
  const watch = createTreeWatch({ workspace, onChange: (folder) => heard.push(folder) }, false);
  for (const folder of ["", "a"]) watch.add(folder, folder);
  watch.keep(new Map([["", 1]]));
  writeFileSync(join(workspace, "a", "silent"), "1");
  writeFileSync(join(workspace, "loud"), "1");
  await until(() => heard.includes(""), "nothing is heard");
  expect(heard).not.toContain("a");
  watch.close();
});
