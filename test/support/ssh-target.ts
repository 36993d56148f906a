// A project on a host of its own: a real sshd on loopback, whose users' home is a scratch folder.
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleAgent } from "../../scripts/bundle-agent.ts";
import { systemClock } from "../../src/base/clock.ts";
import { findHostKey, pinHostKey } from "../../src/machine/ssh/host-key.ts";
import type { SshTargetSection } from "../../src/model/target-section.ts";
import { openProjectState, type ProjectState } from "../../src/state/project-state.ts";
import { createSshTarget, type SshContext } from "../../src/targets/ssh/ssh.ts";
import type { Target } from "../../src/targets/target.ts";
import { createSshRig } from "./ssh-rig.ts";
import { modelServerSource, acmeClientSource } from "./program-sources.ts";

export type SshHost = Awaited<ReturnType<typeof createSshHost>>;

/** How packages are had here, from a cache that all tests share: what a host's administrator would set for everybody. */
export function packageVariables(): Record<string, string> {
  const UV_CACHE_DIR = join(tmpdir(), "sesta-test-cache", "packages");
  mkdirSync(UV_CACHE_DIR, { recursive: true });
  const own = Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      /^(?:UV_|PIP_|SSL_CERT_|https?_proxy$|no_proxy$)/i.test(entry[0]) && /^\S+$/.test(entry[1] ?? ""),
  );
  return { ...Object.fromEntries(own), UV_CACHE_DIR };
}

/** @param folder a scratch folder that only its owner may write */
export async function createSshHost(folder: string, env: Readonly<Record<string, string>> = {}) {
  const rig = await createSshRig(folder, { variables: { ...packageVariables(), ...env } });
  await pinHostKey(rig.withEnv(), (await findHostKey(rig.withEnv())).line);
  let program: Promise<string> | undefined;
  return {
    ...rig,
    home: rig.server.home,
    createTarget(
      project: string,
      state: ProjectState,
      section: Partial<SshTargetSection> = {},
      more: Partial<Pick<SshContext, "sendWake" | "loadAgent">> = {},
    ): Target {
      const { host } = rig.access;
      return createSshTarget({
        name: "ssh",
        section: { type: "ssh", hosts: [host], sleep: "none", ...section },
        access: rig.withEnv(),
        project,
        state,
        clock: systemClock,
        loadAgent: () => (program ??= bundleAgent()),
        modelServer: modelServerSource,
        acmeClient: acmeClientSource,
        agentFlags: [],
        sendWake: async () => undefined,
        signal: new AbortController().signal,
        ...more,
      });
    },
    openState: (name: string) => openProjectState(join(rig.access.stateFolder, `${name}.db`)),
  };
}
