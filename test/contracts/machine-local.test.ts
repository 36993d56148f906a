// This machine passes the contract of machines.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalMachine } from "../../src/machine/local.ts";
import { root } from "../support/source-files.ts";
import { testMachine } from "./machine.contract.ts";

testMachine("local", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sesta-machine-"));
  return {
    machine: createLocalMachine(process.env),
    folder,
    module: `import { createLocalMachine } from ${JSON.stringify(join(root, "src/machine/local.ts"))};
      const machine = createLocalMachine(process.env);`,
    end: () => rm(folder, { recursive: true, force: true }),
  };
});
