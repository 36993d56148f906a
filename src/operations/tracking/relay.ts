// The relay beside a run, which keeps what it logs while the connection is broken or the gateway away.
import { SestaError } from "../../base/errors.ts";
import type { Host } from "../../machine/host.ts";
import { relayScript } from "../../workloads/tracker/files.gen.ts";

const script = "relay.py";
const startTries = 100;

/** Of one node of a run, on its machine. */
export function relayFolder({ base }: Pick<Host, "base">, part: string): string {
  return `${base}/relays/${part}`;
}

/**
 * Starts it unless it runs. What one that died has kept is sent by the next.
 * @param upstream the loopback port there that leads to the tracker
 * @returns its own port; undefined where the machine has no Python
 */
export async function startRelay(host: Host, part: string, upstream: number): Promise<number | undefined> {
  const { machine } = host;
  const folder = relayFolder(host, part);
  const found = await findRelay(host, part, 0);
  if (found !== undefined) return found;
  const python = await machine.run(["sh", "-c", "command -v python3"]);
  if (python.exitCode !== 0) return undefined;
  await machine.run(["rm", "-rf", `${folder}/running`, `${folder}/claim`]);
  await machine.put({ [script]: relayScript }, folder);
  await machine.start(["python3", "-I", `${folder}/${script}`, folder, String(upstream)], {
    cwd: folder,
    env: {},
    logFile: `${folder}/log`,
    claim: `${folder}/claim`,
  });
  const port = await findRelay(host, part, startTries);
  if (port !== undefined) return port;
  throw new SestaError("TRACKER", `The relay on ${machine.name} did not start`, {
    hint: `${folder}/log there says why.`,
  });
}

/** The port of one that runs; looked for so often, every tenth of a second. */
async function findRelay({ machine, base }: Host, part: string, tries: number): Promise<number | undefined> {
  const look = 'read -r pid port <"$1/running" && kill -0 "$pid" && echo "$port"';
  const loop = `left=$2; while :; do { ${look}; } 2>/dev/null && exit; [ "$left" -gt 0 ] || exit; left=$((left - 1)); sleep 0.1; done`;
  const { stdout } = await machine.run(["sh", "-c", loop, "sh", relayFolder({ base }, part), String(tries)]);
  return stdout.trim() === "" ? undefined : Number(stdout.trim());
}

/** How many requests it keeps: none where it is gone. */
export async function countKept({ machine, base }: Host, part: string): Promise<number> {
  const list = 'ls "$1/spool" 2>/dev/null | wc -l';
  const { stdout } = await machine.run(["sh", "-c", list, "sh", relayFolder({ base }, part)]);
  return Number(stdout.trim());
}

/** It ends with its folder. */
export async function endRelay({ machine, base }: Host, part: string): Promise<void> {
  const folder = relayFolder({ base }, part);
  await machine.run(["rm", "-rf", folder]);
}
