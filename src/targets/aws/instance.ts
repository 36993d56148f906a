// The machine of a workload as this project reaches it: found by its id, started when it sleeps, at its present address.
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makePrivateFolder, writeAtomic } from "../../base/atomic-file.ts";
import type { Clock } from "../../base/clock.ts";
import { SestaError } from "../../base/errors.ts";
import type { SshAccess } from "../../machine/ssh/access.ts";
import { findHostKey, isPinned, pinHostKey, unpinHostKey } from "../../machine/ssh/host-key.ts";
import type { Instance } from "./ec2.ts";

export type Ec2 = {
  describe(id: string): Promise<Instance | undefined>;
  start(id: string): Promise<void>;
};

export type InstanceContext = {
  /** Of the workload. */
  name: string;
  /** Its id; undefined before it was made. */
  id(): string | undefined;
  ec2: Ec2;
  /** Its host is a name that `configFile` leads to the present address. */
  access: SshAccess & { configFile: string };
  /** The port of its sshd; 22 without. */
  port?: number;
  clock: Clock;
  signal: AbortSignal;
};

/** How long what was seen of it counts. */
const freshMs = 10_000;
const lookEveryMs = 2_000;
/** Of a start, until its sshd shows a key. */
const longestMs = 10 * 60_000;

export function createInstance(context: InstanceContext) {
  const { name, ec2, access, port, clock, signal } = context;
  let seen: { at: number; instance: Instance | undefined } | undefined;

  async function look(): Promise<Instance | undefined> {
    const id = context.id();
    const instance = id === undefined ? undefined : await ec2.describe(id);
    seen = { at: clock.monotonic(), instance };
    if (instance?.address != null) await writeConfig(access, instance.address, port);
    return instance;
  }

  return {
    /** As it is now. */
    look,
    /** @throws SestaError SSH_CONNECTION where it is not running: nothing is asked of whoever has its address by now */
    async requireRunning(): Promise<void> {
      const isFresh = seen !== undefined && clock.monotonic() - seen.at < freshMs;
      const instance = isFresh ? seen?.instance : await look();
      if (instance?.address != null) return;
      const how = instance ? `is ${instance.state}` : "is not there";
      throw new SestaError("SSH_CONNECTION", `The machine of ${name} ${how}`, {
        hint: instance ? `\`sesta wake ${name}\` starts it.` : `\`sesta up ${name}\` makes it.`,
      });
    },
    /**
     * It runs, and its sshd answers with the key that was pinned when it was made.
     * @returns the fingerprint of a key that was pinned just now
     * @throws SestaError NOT_UP, SSH_CONNECTION
     */
    async turnOn(detail: (text: string) => void): Promise<string | undefined> {
      const began = clock.monotonic();
      const isLate = () => clock.monotonic() - began > longestMs;
      for (;;) {
        const instance = await look();
        const id = context.id();
        if (!instance || id === undefined)
          throw new SestaError("NOT_UP", `The machine of ${name} is not there`, {
            hint: `Run \`sesta up ${name}\`.`,
          });
        if (instance.address !== null) break;
        if (instance.state === "stopped") await ec2.start(id);
        if (isLate())
          throw new SestaError("SSH_CONNECTION", `The machine of ${name} stays ${instance.state}`);
        detail(`the machine is ${instance.state}`);
        await clock.sleep(lookEveryMs, signal);
      }
      if (await isPinned(access)) return undefined;
      for (;;) {
        try {
          const { line, fingerprint } = await findHostKey(access);
          await pinHostKey(access, line);
          return fingerprint;
        } catch (error) {
          if (isLate()) throw error;
          detail("waits for its SSH");
          await clock.sleep(lookEveryMs, signal);
        }
      }
    },
    /** What was seen of it counts no more. */
    forget: () => (seen = undefined),
    /** It is another machine from here on, with a key of its own. */
    async replace(): Promise<void> {
      seen = undefined;
      await unpinHostKey(access);
    },
  };
}

/** ssh reads it at every connection: the machine has another address after each start. */
async function writeConfig(
  { host, configFile }: SshAccess & { configFile: string },
  address: string,
  port?: number,
) {
  const text = `Host ${host.host}\n  HostName ${address}\n${port === undefined ? "" : `  Port ${port}\n`}`;
  if ((await readFile(configFile, "utf8").catch(() => "")) === text) return;
  await makePrivateFolder(dirname(configFile));
  await writeAtomic(configFile, text);
}
