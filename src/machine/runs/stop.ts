// Asks a run to end: its supervisor sends TERM, waits, and ends by force what is left of it.
import { SestaError } from "../../base/errors.ts";
import type { Host } from "../host.ts";
import { runFolder } from "./submit.ts";

/** Returns at once; the supervisor does it within a second. @param reason one word, kept as why it ended */
export async function askToStop(host: Host, id: string, reason: string): Promise<void> {
  // One that has not come yet is made as one that has ended, so that nobody who still brings it begins it.
  const script =
    'umask 077; [ -d "$1" ] && exit; mkdir -p "${1%/*}" && mkdir "$1" && echo "code=0 reason=$2 at=$(date +%s) attempts=0" >"$1/ended"';
  await host.machine.run(["sh", "-c", script, "sh", runFolder(host, id), reason]);
  await writeMark(host, id, "stop", reason);
}

/** Lets a run that waits for the other machines begin. */
export async function letGo(host: Host, id: string): Promise<void> {
  await writeMark(host, id, "go", "go");
}

/** The first one that is written stays. On a full disk it gets what the run keeps in reserve for that. */
const markScript = `cd "$1" || exit 3
[ -e ended ] && exit 0
part=$2.from.$$
{ echo "$3" >"$part"; } 2>/dev/null || { rm -f reserve; echo "$3" >"$part"; } && ln "$part" "$2" 2>/dev/null
rm -f "$part"
[ -e "$2" ]`;

async function writeMark(host: Host, id: string, name: string, word: string): Promise<void> {
  const ran = await host.machine.run(["sh", "-c", markScript, "sh", runFolder(host, id), name, word]);
  if (ran.exitCode === 0) return;
  throw new SestaError("COMMAND_FAILED", `Run ${id} could not be told`, {
    where: host.machine.name,
    problems: ran.stderr.trim().split("\n").slice(-3),
  });
}
