// The image of a service on its machine: found there, built from the files of the release, or pulled.
import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { listBaseImages } from "../../commands/dockerfile.ts";
import { SestaError } from "../../base/errors.ts";
import { requireDone, runScript, type Host } from "../../machine/host.ts";
import type { Argv } from "../../machine/machine.ts";
import type { Progress } from "../../model/plan.ts";
import type { ServiceContainer } from "../../model/launch.ts";
import type { ServiceSection } from "../../model/project.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import type { Sources } from "../jobs/folder-sources.ts";
import { senderOf } from "../jobs/send-sources.ts";

export type ServiceImage = {
  engine: readonly string[];
  /** `sha256:` and 64 hexadecimal digits. */
  id: string;
  /** TCP ports that it says its program listens on. */
  ports: readonly number[];
};

/** Where an app listens whose image does not say. */
const usualPort = 8080;
const hint = "Install docker or podman there.";

/**
 * Reads only. Undefined for what runs in no container, and where there is no such image yet, or no engine.
 * @param id of one that was built before, instead of the one of these sources
 */
export async function findServiceImage(
  context: Context,
  section: ServiceSection,
  host: Host,
  sources: Sources,
  id?: string,
): Promise<ServiceImage | undefined> {
  const wanted = nameImage(context, section, host, sources);
  if (!wanted) return undefined;
  const engine = await runScript(host, "image.sh", ["engine"]);
  return engine.exitCode === 0 ? inspectImage(host, engine.stdout.trim(), id ?? wanted.name) : undefined;
}

export type ImageWish = {
  /** Of the release on the machine: what is built. */
  tree: string | null;
  /** One that was built before, which is taken as it is. */
  id?: string | undefined;
  signal?: AbortSignal;
};

/**
 * @returns what a launch says of it; null for what runs in no container
 * @throws SestaError SETUP_FAILED with what the engine said
 */
export async function makeServiceImage(
  context: Context,
  section: ServiceSection,
  host: Host,
  sources: Sources,
  { tree, id, signal = context.world.signal }: ImageWish,
  on: Progress,
): Promise<ServiceContainer | null> {
  const wanted = nameImage(context, section, host, sources);
  const { source, name } = section;
  if (!wanted || (source.kind !== "build" && source.kind !== "image")) return null;
  const where = host.machine.name;
  const ran = await runScript(host, "image.sh", ["engine"]);
  const engine = requireDone(ran, `${name} runs in a container`, where, hint).trim();
  const bases = source.kind === "image" ? [source.image] : await readBases(section, source.folder, sources);
  let image = await inspectImage(host, engine, id ?? wanted.name);
  if (!image && id !== undefined) throw imageGone(name, id, where);
  if (!image) {
    const step = { workload: name, step: "image" };
    const tell = (line: string) => on({ ...step, state: "running", detail: line.trim() });
    tell(source.kind === "build" ? "is built" : `${source.image} is pulled`);
    const folder = posix.join(tree ?? "", source.kind === "build" ? source.folder : "");
    const build = [wanted.madeFrom, folder, posix.join(folder, "Dockerfile"), wanted.label];
    const operands =
      source.kind === "build" ? ["build", engine, wanted.name, ...build] : ["pull", engine, wanted.name];
    const made = await runScript(host, "image.sh", operands, { signal, onLine: tell });
    requireDone(
      made,
      source.kind === "build"
        ? `The image of ${name} could not be built`
        : `${source.image} could not be pulled`,
      where,
      source.kind === "build"
        ? "Look at what it says, and at the Dockerfile."
        : "Check the name, and `docker login` or `podman login` there.",
    );
    image = await inspectImage(host, engine, wanted.name);
    if (!image) throw new Error(`${wanted.name} is not there after it was made`);
    on({ ...step, state: "done", detail: image.id.slice("sha256:".length).slice(0, 12) });
  }
  const { exitCode } = await runScript(host, "image.sh", ["init", engine]);
  return {
    engine: image.engine,
    image: image.id,
    appPort: choosePort(section, image.ports),
    init: exitCode === 0,
    label: source.kind === "build" ? wanted.label : null,
    bases,
  };
}

export function imageGone(name: string, id: string, where: string): SestaError {
  const short = id.slice("sha256:".length).slice(0, 12);
  return new SestaError("DEPLOY_FAILED", `The image ${short} of ${name}, which was built, is gone`, {
    where,
    hint: "Run the stage that builds it again.",
  });
}

/** What `plan` compares, known without its machine. */
export function draftContainer({ source, appPort = 0 }: ServiceSection): ServiceContainer | null {
  if (source.kind !== "build" && source.kind !== "image") return null;
  const image = source.kind === "build" ? `build ${source.folder}` : source.image;
  return { engine: [], image, appPort, init: false, label: null, bases: [] };
}

/** An image that is built has a name for each state of its files, so that it is not another's before it is gone. */
function nameImage(context: Context, { source, name }: ServiceSection, host: Host, { digest }: Sources) {
  if (source.kind === "image") return { name: source.image, madeFrom: "", label: "" };
  if (source.kind !== "build") return undefined;
  const own = `${context.project.name}-${name}`;
  const owner = `${senderOf(context, host)}-${name}`;
  const madeFrom = digestOf("service", owner, digest, source.folder);
  return { name: `sesta/${own}:${madeFrom}`, madeFrom, label: `sesta.service=${owner}` };
}

async function inspectImage(
  { machine }: Host,
  called: string,
  name: string,
): Promise<ServiceImage | undefined> {
  const engine = called.split(" ");
  const argv = [...engine, "image", "inspect", "--format={{.Id}} {{json .Config}}", name];
  const { exitCode, stdout } = await machine.run(argv as unknown as Argv);
  const [, id, config] = /^(?:sha256:)?([0-9a-f]{64}) (.*)$/s.exec(stdout) ?? [];
  if (exitCode !== 0 || id === undefined || config === undefined) return undefined;
  const { ExposedPorts } = (JSON.parse(config) ?? {}) as { ExposedPorts?: Record<string, unknown> | null };
  const ports = Object.keys(ExposedPorts ?? {}).flatMap((port) => /^(\d+)(?:\/tcp)?$/.exec(port)?.[1] ?? []);
  return { engine, id: `sha256:${id}`, ports: ports.map(Number) };
}

/** @throws SestaError SETUP_FAILED where the image names several */
function choosePort({ name, appPort }: ServiceSection, ports: readonly number[]): number {
  const [port = usualPort, ...others] = ports;
  if (appPort !== undefined || others.length === 0) return appPort ?? port;
  throw new SestaError(
    "SETUP_FAILED",
    `The image of ${name} exposes the ports ${ports.join(", ")}: which of them is to be reached?`,
    { hint: `Say it in sesta.yaml: \`app_port: ${port}\`.` },
  );
}

async function readBases({ name }: ServiceSection, folder: string, { upload }: Sources): Promise<string[]> {
  if (!upload) return [];
  const file = posix.join(folder, "Dockerfile");
  if (upload.files.includes(file)) return listBaseImages(await readFile(join(upload.folder, file), "utf8"));
  throw new SestaError("SETUP_FAILED", `There is no ${file} among the files of ${name}`, {
    hint: "`build` is a folder with a Dockerfile that .gitignore does not leave out.",
  });
}
