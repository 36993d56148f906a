// An sshd of a test's own, and machines that reach it as a project would: with a pinned key and no configuration of anybody.
import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { SshAccess } from "../../src/machine/ssh/access.ts";
import { findHostKey, pinHostKey } from "../../src/machine/ssh/host-key.ts";
import { createSshMachine } from "../../src/machine/ssh/ssh.ts";
import { endAll } from "../faults/support/processes.ts";
import { startSshServer, type SshServerOptions } from "./ssh-server.ts";

export type SshRig = Awaited<ReturnType<typeof createSshRig>>;

/** @param folder a scratch folder that only its owner may write */
export async function createSshRig(folder: string, options: SshServerOptions = {}) {
  const server = await startSshServer(folder, options);
  const project = join(folder, "project");
  mkdirSync(join(project, ".sesta"), { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, "no-config"), "");
  const access = {
    host: { name: "box", host: server.host, port: server.port, user: userInfo().username, key: server.key },
    folder: project,
    stateFolder: join(project, ".sesta"),
    configFile: join(folder, "no-config"),
  };
  const withEnv = (more: Partial<SshAccess> = {}): SshAccess => ({ ...access, env: process.env, ...more });
  return {
    server,
    access,
    withEnv,
    /** Its key is pinned first. */
    async createMachine(more: Partial<SshAccess> = {}) {
      const one = withEnv(more);
      await pinHostKey(one, (await findHostKey(one)).line);
      return createSshMachine(one);
    },
    /** And all that runs in the folder. */
    async end(): Promise<void> {
      await endAll(folder);
      await server.end();
    },
  };
}
