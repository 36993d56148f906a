// Reaches a host; one that is off or suspended is woken where the project says how, and waited for.
import type { Clock } from "../../base/clock.ts";
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";

export type Reaching = {
  machine: Pick<Machine, "name" | "run">;
  clock: Clock;
  signal: AbortSignal;
  /** The hardware address of its network card; without it nothing can be done but to say that it is away. */
  mac: string | undefined;
  sendWake(mac: string): Promise<void>;
};

/** A server takes some minutes to start. */
const longestMs = 5 * 60_000;
const againMs = 5_000;

/** @throws SestaError SSH_CONNECTION */
export async function reachHost({ machine, clock, signal, mac, sendWake }: Reaching): Promise<void> {
  const began = clock.monotonic();
  for (;;) {
    try {
      await machine.run(["true"]);
      return;
    } catch (error) {
      if (mac === undefined || !isAway(error)) throw error;
      if (clock.monotonic() - began > longestMs) throw explainStay(machine.name, error);
    }
    await sendWake(mac);
    await clock.sleep(againMs, signal);
  }
}

/** One that answers but lets nobody in is not asleep. */
function isAway(error: unknown): error is SestaError {
  return (
    error instanceof SestaError &&
    error.code === "SSH_CONNECTION" &&
    !/does not let you in/.test(error.message)
  );
}

function explainStay(name: string, cause: SestaError): SestaError {
  return new SestaError("SSH_CONNECTION", `${name} was woken over the network and does not answer`, {
    problems: [cause.message],
    hint: "Check its hardware address under `wake: { mac }`, and that wake-on-LAN is on in its firmware.",
    cause,
  });
}
