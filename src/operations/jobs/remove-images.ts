// Takes away the images that were built for a job. One that was pulled, or that something else uses, stays.
import { runScript, type Host } from "../../machine/host.ts";

const mark = "image:";
const madeFrom = '{{index .Config.Labels "sesta.made-from"}}';

/** How an image stands among the paths that were made for a job. */
export function placeOfImage(id: string): string {
  return `${mark}${id}`;
}

/** @param places paths, and images among them. @returns words for a receipt */
export async function removeImages(
  host: Host,
  places: readonly string[],
): Promise<{ removed: string[]; remains: string[] }> {
  const ids = places.flatMap((place) => (place.startsWith(mark) ? [place.slice(mark.length)] : []));
  const removed: string[] = [];
  const remains: string[] = [];
  if (ids.length === 0) return { removed, remains };
  const engine = (await runScript(host, "image.sh", ["engine"])).stdout.trim();
  for (const id of ids) {
    const words = `${host.machine.name}: image ${id.replace(/^sha256:/, "").slice(0, 12)}`;
    if (engine === "") remains.push(`${words}: neither docker nor podman answers`);
    else {
      const [program = "", ...operands] = engine.split(" ");
      const run = (...more: string[]) => host.machine.run([program, ...operands, "image", ...more]);
      const label = await run("inspect", "--format", madeFrom, id);
      if (label.exitCode !== 0) continue; // somebody else has removed it
      const isOwn = !["", "<no value>"].includes(label.stdout.trim());
      const isGone = isOwn && (await run("rm", id)).exitCode === 0;
      (isGone ? removed : remains).push(words);
    }
  }
  return { removed, remains };
}
