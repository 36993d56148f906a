// A host over SSH passes the contract of machines: a real sshd on loopback.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../support/source-files.ts";
import { createSshRig } from "../support/ssh-rig.ts";
import { findMissingSshd } from "../support/ssh-server.ts";
import { testMachine } from "./machine.contract.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("over SSH", () => {
  testMachine("ssh", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sesta-ssh-"));
    const rig = await createSshRig(folder);
    const machine = await rig.createMachine();
    await machine.run(["mkdir", join(folder, "there")]);
    return {
      machine,
      folder: join(folder, "there"),
      module: `import { createSshMachine } from ${JSON.stringify(join(root, "src/machine/ssh/ssh.ts"))};
        const machine = createSshMachine({ ...${JSON.stringify(rig.access)}, env: process.env });`,
      end: async () => {
        await machine.close();
        await rig.end();
        await rm(folder, { recursive: true, force: true });
      },
    };
  });
});
