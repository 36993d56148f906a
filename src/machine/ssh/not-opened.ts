// A command that the shared connection took not at all is tried again, since nothing of it has begun.
import { setTimeout as delay } from "node:timers/promises";
import { SestaError } from "../../base/errors.ts";
import type { HostSection } from "../../model/target-section.ts";
import { interrupted } from "../interrupted.ts";
import type { Connection } from "./connection.ts";

/** Its message is what ssh said. */
export class NotOpened extends SestaError {
  readonly isFull: boolean;
  constructor({ name }: HostSection, stderr: string) {
    const isFull = /Session open refused/.test(stderr);
    super(
      "SSH_CONNECTION",
      isFull
        ? `${name} takes no more commands at a time`
        : `The connection to ${name} broke before a command began`,
      { hint: isFull ? "Raise MaxSessions in its sshd_config." : "Check the network, and try again." },
    );
    this.isFull = isFull;
  }
}

/** Other processes share what sshd allows; what they run ends. */
const fullTries = 120;
const pauseMs = 500;
/** A connection that has just gone is made again; on one that hung for long, the line is dead. */
const justMs = 5_000;

/** @param begin throws NotOpened @throws SestaError INTERRUPTED while it waits */
export async function retryUnopened<Result>(
  connection: Connection,
  program: string,
  begin: () => Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> {
  let renewed = false;
  for (let tries = 0; ; tries++) {
    const since = performance.now();
    try {
      return await begin();
    } catch (error) {
      if (!(error instanceof NotOpened) || signal?.aborted) throw error;
      if (error.isFull) {
        if (tries >= fullTries) throw error;
        await delay(pauseMs, undefined, signal ? { signal } : {}).catch(() => {
          throw interrupted(program, signal);
        });
      } else if (renewed || performance.now() - since > justMs) throw error;
      else renewed = true;
      await connection.ensure();
    }
  }
}
