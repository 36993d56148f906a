// What tar is given on this machine when it packs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createLocalMachine } from "../local.ts";
import type { Link } from "./link.ts";
import { sendByTar } from "./send-tar.ts";

test("macOS's tar adds no files of its own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sesta-tar-"));
  for (const name of ["bin", "here", "there"]) mkdirSync(join(folder, name));
  const said = join(folder, "said");
  const tar = `#!/bin/sh\necho "$COPYFILE_DISABLE" >${said}\nPATH=\${PATH#*:} exec tar "$@"\n`;
  writeFileSync(join(folder, "bin", "tar"), tar, { mode: 0o755 });
  writeFileSync(join(folder, "here", "a"), "a");
  const machine = createLocalMachine(process.env);
  const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env["PATH"]}` };
  const connection = { env, access: { host: { name: "box", host: "box" } } };
  const link = { run: machine.run, open: machine.open, connection } as unknown as Link;
  await sendByTar(link, join(folder, "here"), join(folder, "there"), {
    files: [{ path: "a", bytes: 1, isLink: false, mode: 0o644, modifiedMs: 0 }],
    signal: undefined,
    onBytes: () => undefined,
  });
  expect([readFileSync(said, "utf8"), existsSync(join(folder, "there", "a"))]).toEqual(["1\n", true]);
  rmSync(folder, { recursive: true });
});
