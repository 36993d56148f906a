// Asks a run to end: its supervisor sends TERM, waits, and ends by force what is left of it.
import { SestaError } from "../../base/errors.ts";
import { runScript, type Host } from "../host.ts";
import { runsFolder } from "./submit.ts";

/** Returns at once; the supervisor does it within a second. @param reason one word, kept as why it ended */
export async function askToStop(host: Host, id: string, reason: string): Promise<void> {
  await tell(host, id, "stop", reason);
}

/** Lets a run that waits for the other machines begin. */
export async function letGo(host: Host, id: string): Promise<void> {
  await tell(host, id, "go", "go");
}

async function tell(host: Host, id: string, name: string, word: string): Promise<void> {
  const ran = await runScript(host, "tell.sh", [runsFolder(host), id, name, word]);
  if (ran.exitCode === 0) return;
  throw new SestaError("COMMAND_FAILED", `Run ${id} could not be told`, {
    where: host.machine.name,
    problems: ran.stderr.trim().split("\n").slice(-3),
  });
}
