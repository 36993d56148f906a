// Pushes an image to all of its registries or moves no tag: each is asked first, then has the content, then the tag.
import { SestaError } from "../../../base/errors.ts";
import { requireDone, runScript, type Host } from "../../../machine/host.ts";
import { holdOnMachine } from "../../../machine/hold.ts";
import type { Artefact, Pushed, PushTarget } from "../../../model/pipeline.ts";
import type { StageOutput } from "../../../pipelines/ports.ts";
import type { Context } from "../../context.ts";
import { openHosts } from "../../machines.ts";
import { getService } from "../../services/releases.ts";
import { completeReference } from "./ecr.ts";
import { forEach } from "./for-each.ts";
import { buildLoginFile, findLogin } from "./logins.ts";
import { moveTags } from "./move-tags.ts";
import { describePlace, readPlace, type PushPlace } from "./place.ts";
import { openRegistry, type Manifest, type Ready } from "./registry.ts";

/**
 * Logins are in a private folder of the machine while it goes on; what a killed push left is removed by the next one.
 * @param commit its tag in every registry
 * @throws SestaError PUSH_FAILED, UNSUPPORTED for what is no image
 */
export async function pushImage(
  context: Context,
  { service, kind, digest }: Artefact,
  targets: readonly PushTarget[],
  commit: string,
  on: StageOutput,
  signal: AbortSignal,
): Promise<Pushed[]> {
  if (kind !== "image")
    throw new SestaError("UNSUPPORTED", "Only images are pushed, and this service has none", {
      hint: "Give the service `build:`, or leave `push` out of the stage.",
    });
  const { target } = getService(context, service);
  const [host] = await openHosts(context, target, 1);
  if (!host) throw new Error(`${target} has no machine`);
  const asked = await runScript(host, "image.sh", ["engine"]);
  const hint = "Install docker or podman there.";
  const engine = requireDone(asked, `${service} is an image`, host.machine.name, hint).trim();
  const onWait = () => on.line(`waiting for another push on ${host.machine.name}`);
  return holdOnMachine(host, "push", { signal, onWait }, async () => {
    const folder = `${host.base}/push`;
    try {
      await makeFresh(host, folder);
      const image = digest.replace(/^sha256:/, "");
      return await pushToAll(context, host, targets, { engine, folder, image, commit }, on, signal);
    } finally {
      await host.machine.run(["rm", "-rf", folder]);
    }
  });
}

type Order = { engine: string; folder: string; image: string; commit: string };

async function pushToAll(
  { machine: here }: Context,
  host: Host,
  targets: readonly PushTarget[],
  { engine, folder, image, commit }: Order,
  on: StageOutput,
  signal: AbortSignal,
): Promise<Pushed[]> {
  const folders = new Map<PushPlace, string>();
  const ready = await forEach(
    targets,
    ({ name }) => name,
    async (target, index): Promise<Ready> => {
      const place = readPlace(target, await completeReference(here, target));
      const login = await findLogin(here, host, target, place);
      const registry = await openRegistry(host.machine, place, login);
      await registry.requireRoom();
      const own = `${folder}/${index}`;
      await host.machine.put({ "config.json": buildLoginFile(place, login) }, own);
      folders.set(place, own);
      return { place, registry };
    },
    { what: "nothing was pushed anywhere", others: () => "takes it, and has nothing of it yet" },
  );
  signal.throwIfAborted();
  const tags = [...new Set(ready.map(({ place }) => place.tag))].join(", ");
  const manifests = await forEach(
    ready,
    ({ place }) => describePlace(place),
    async ({ place, registry }): Promise<Manifest> => {
      const reference = `${place.host}/${place.repository}:${commit}`;
      on.line(`pushing ${reference}`);
      const plain = place.isPlain ? ["plain"] : [];
      const operands = ["push", engine, folders.get(place) ?? "", image, reference, ...plain];
      const ran = await runScript(host, "push.sh", operands, { signal, onLine: (line) => on.line(line) });
      if (ran.exitCode !== 0)
        throw new SestaError("PUSH_FAILED", `did not take it: ${lastWords(ran.stderr)}`);
      const manifest = await registry.findManifest(commit);
      if (!manifest) throw new SestaError("PUSH_FAILED", `does not have ${reference} after its push`);
      return manifest;
    },
    { what: `${tags} is as it was everywhere`, others: () => `has it as ${commit}` },
  );
  signal.throwIfAborted();
  await moveTags(
    ready.map((one, index) => ({ ...one, manifest: get(manifests, index) })),
    signal,
  );
  return ready.map(({ place: { host: server, repository, tag } }, index) => ({
    reference: `${server}/${repository}:${tag}`,
    digest: get(manifests, index).digest,
  }));
}

async function makeFresh(host: Host, folder: string): Promise<void> {
  const made = await runScript(host, "push.sh", ["fresh", folder]);
  requireDone(made, "There is no place for the logins", host.machine.name, "Check the disk there.");
}

function lastWords(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return (lines.at(-1) ?? "it does not say why").trim();
}

function get<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
