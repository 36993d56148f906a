// Takes away the images that were built for a service. What they are built on, and what was pulled, stays.
import type { Argv } from "../../machine/machine.ts";
import type { Launch } from "../../model/launch.ts";
import type { AgentHost } from "./agent-host.ts";

/** Nothing runs from them any more. @returns words for a receipt */
export async function removeServiceImages(
  { machine }: AgentHost,
  { service }: Launch,
): Promise<{ removed: string[]; remains: string[] }> {
  const removed: string[] = [];
  const remains: string[] = [];
  if (!service?.container) return { removed, remains };
  const { engine, label, bases } = service.container;
  const ask = (...operands: string[]) => {
    const argv = [...engine, ...operands] as unknown as Argv;
    return machine
      .run(argv)
      .catch((): { exitCode: number; stdout: string } => ({ exitCode: 127, stdout: "" }));
  };
  if (label !== null) {
    const list = () => ask("images", "--quiet", "--no-trunc", `--filter=label=${label}`);
    let listed = await list();
    // Podman refuses while another of its commands takes one of them away.
    for (let left = 3; left > 0 && listed.exitCode !== 0; left -= 1) listed = await list();
    if (listed.exitCode !== 0) remains.push(`its images: ${engine.join(" ")} does not answer`);
    for (const id of new Set(listed.stdout.split("\n").filter((line) => line !== ""))) {
      const isGone = (await ask("rmi", id)).exitCode === 0;
      (isGone ? removed : remains).push(`image ${id.replace(/^sha256:/, "").slice(0, 12)}`);
    }
  }
  for (const name of bases) {
    if ((await ask("image", "inspect", "--format={{.Id}}", name)).exitCode === 0)
      remains.push(`image ${name}, which others may use`);
  }
  return { removed, remains };
}
