// The steps that bring a job's container image to its machine: pulled, or built from the sources.
import { posix } from "node:path";
import { requireDone, runScript, type Host } from "../../machine/host.ts";
import type { JobContainer, JobSection } from "../../model/project.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import { placeOfImage } from "./remove-images.ts";
import type { Sources } from "./folder-sources.ts";
import type { Prepared, Step } from "./step.ts";

export function buildImageSteps(
  { container, name }: JobSection,
  host: Host,
  sources: Sources,
  prepared: Prepared,
): Step[] {
  if (!container) return [];
  const image = imageOf(container);
  const label = "build" in container ? digestOf("image", sources.digest, container) : "";
  let engine: string | undefined;

  async function findEngine(): Promise<string> {
    engine ??= requireDone(
      await runScript(host, "image.sh", ["engine"]),
      `${name} runs in a container`,
      host.machine.name,
      "Install docker or podman there: `packages: [docker.io]` in the job does it on Debian and Ubuntu.",
    ).trim();
    return engine;
  }

  async function find(): Promise<boolean> {
    const called = await findEngine();
    const id = (await runScript(host, "image.sh", ["find", called, image, label])).stdout.trim();
    if (id === "") return false;
    prepared.image = { engine: called.split(" "), id };
    prepared.made.push(placeOfImage(id));
    return true;
  }

  return [
    {
      name: "container",
      title: "build" in container ? `build the image ${image}` : `pull the image ${image}`,
      needs: ["packages", ...("build" in container ? ["sources"] : [])],
      check: () => find().catch(() => false), // an engine that a step before this one installs
      async run({ detail, signal }) {
        const called = await findEngine();
        const operands =
          "build" in container
            ? ["build", called, image, label, ...buildContext(container, prepared.places.tree)]
            : ["pull", called, image];
        const ran = await runScript(host, "image.sh", operands, {
          signal,
          onLine: (line) => detail(line.trim()),
        });
        requireDone(
          ran,
          `The image ${image} could not be made`,
          host.machine.name,
          "Look at what it says, and at the Dockerfile.",
        );
        if (!(await find())) throw new Error(`${image} is not there after it was made`);
      },
    },
  ];
}

function imageOf(container: JobContainer): string {
  return "image" in container ? container.image : container.tag;
}

function buildContext(container: { build: string; file?: string }, tree: string): string[] {
  const folder = posix.join(tree, "tree", container.build);
  const file =
    container.file === undefined
      ? posix.join(folder, "Dockerfile")
      : posix.join(tree, "tree", container.file);
  return [folder, file];
}
