// A host over SSH passes the contract of machines: a real sshd on loopback, and one on a host that has little.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../support/source-files.ts";
import { createSshRig } from "../support/ssh-rig.ts";
import { findMissingSshd, type SshServerOptions } from "../support/ssh-server.ts";
import { testMachine } from "./machine.contract.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("over SSH", () => {
  testSsh("ssh", () => ({}));
  testSsh("ssh to a host without rsync and bash", (folder) => ({
    variables: { PATH: makePathWithout(join(folder, "bin"), ["rsync", "bash"]) },
  }));
});

function testSsh(name: string, findOptions: (folder: string) => SshServerOptions): void {
  testMachine(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "sesta-ssh-"));
    const rig = await createSshRig(folder, findOptions(folder));
    const machine = await rig.createMachine();
    mkdirSync(join(folder, "there"));
    return {
      machine,
      folder: join(folder, "there"),
      module: `import { createSshMachine } from ${JSON.stringify(join(root, "src/machine/ssh/ssh.ts"))};
        const machine = createSshMachine({ ...${JSON.stringify(rig.access)}, env: process.env });`,
      end: async () => {
        await machine.close();
        await rig.end();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  });
}

/** A folder with every program of the system but these. */
function makePathWithout(folder: string, names: readonly string[]): string {
  mkdirSync(folder);
  const found = new Set(names);
  for (const from of ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]) {
    for (const name of readdirSync(from)) {
      if (!found.has(name)) symlinkSync(join(from, name), join(folder, name));
      found.add(name);
    }
  }
  return folder;
}
