// A job's playbook: configures its machines before anything else is set up, once for each state of what it is made of.
import { readdir, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { Host } from "../../machine/host.ts";
import { projectFileName, type JobSection } from "../../model/project.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import type { Context } from "../context.ts";
import { getTarget } from "../machines.ts";
import { runPlaybook, type PlaybookDone } from "../playbook.ts";
import type { PlaybookPlace, PlaybookWatch } from "../playbook/place.ts";
import { hashFiles } from "./hash-files.ts";
import { listFiles } from "./list-files.ts";
import { exists } from "./step.ts";

export type JobPlaybook = {
  /** In words. */
  title: string;
  /** On every machine, whose presence says that it was run there as it is. */
  mark: string;
  isDone: boolean;
};

/** Folders beside a playbook that Ansible looks into by itself ("Sample directory layout" in its documentation). */
const besides = [
  "roles",
  "group_vars",
  "host_vars",
  "files",
  "templates",
  "tasks",
  "handlers",
  "vars",
  "library",
  "module_utils",
  "filter_plugins",
  "collections",
];

/** And files: other playbooks and variables that it may name, its inventory, and what configures Ansible. */
const isBeside = /\.(?:ya?ml|cfg|ini)$|^(?:vars\.sh|hosts)$/;

/** Undefined without one. A job that has nothing but its playbook runs it every time. */
export async function planPlaybook(
  context: Context,
  { playbook, inventory, name, run, project: ml }: JobSection,
  hosts: readonly Host[],
): Promise<JobPlaybook | undefined> {
  if (playbook === undefined) return undefined;
  const { project, machine, folder, world } = context;
  const root = dirname(join(project.folder, playbook));
  const entries = await readdir(root, { withFileTypes: true });
  const there = new Set(entries.map((entry) => entry.name));
  const inventories = inventory === undefined ? [] : [relative(root, join(project.folder, inventory))];
  const isFolder = await Promise.all(
    inventories.map(async (one) => (await stat(join(root, one))).isDirectory()),
  );
  const folders = [
    ...besides.filter((one) => there.has(one)),
    ...inventories.filter((_, at) => isFolder[at]),
  ];
  const listed = await Promise.all(
    folders.map(async (one) =>
      (await listFiles(machine, join(root, one), [])).map((file) => `${one}/${file}`),
    ),
  );
  const own = entries.flatMap((entry) =>
    isBeside.test(entry.name) && entry.name !== projectFileName && !entry.isDirectory() ? [entry.name] : [],
  );
  const named = [
    relative(root, join(project.folder, playbook)),
    ...inventories.filter((_, at) => !isFolder[at]),
  ];
  const files = [...new Set([...own, ...named, ...listed.flat()])].toSorted();
  const { digest } = await hashFiles(root, files, join(folder, "hashes-playbook.json"), world.clock);
  const mark = `cache/playbooks/${digestOf("playbook", digest, inventory ?? null)}`;
  const done = await Promise.all(hosts.map((host) => exists(host, `${host.base}/${mark}`)));
  const isDone = (run !== undefined || ml !== undefined) && done.every(Boolean);
  return { title: `run the playbook ${playbook} for ${name}`, mark, isDone };
}

/** @throws SestaError PLAYBOOK_FAILED and what else `runPlaybook` may throw */
export async function playForJob(
  context: Context,
  job: JobSection,
  hosts: readonly Host[],
  mark: string,
  watch: PlaybookWatch,
  acceptNewKeys: boolean,
): Promise<PlaybookDone> {
  const { project } = context;
  const section = getTarget(context, job.target);
  const done = await runPlaybook(
    placeOf(context),
    {
      playbook: join(project.folder, job.playbook ?? ""),
      ...(job.inventory !== undefined && { inventory: join(project.folder, job.inventory) }),
      hosts:
        section.type === "local"
          ? "local"
          : section.hosts.slice(0, job.nodes).map((host) => ({
              ...host,
              ...(host.key !== undefined && { keyFile: resolve(project.folder, atHome(host.key, context)) }),
            })),
      groups: [job.target, job.name],
      extraEnv: {},
      acceptNewKeys,
    },
    watch,
  );
  const name = mark.split("/").at(-1) ?? mark;
  const folder = mark.slice(0, -name.length - 1);
  await Promise.all(hosts.map(({ machine, base }) => machine.put({ [name]: "" }, `${base}/${folder}`)));
  return done;
}

export function placeOf({ machine, world, folder }: Context): PlaybookPlace {
  const { env, clock, cacheFolder, signal } = world;
  return { machine, env, clock, cacheFolder, folder, signal };
}

function atHome(path: string, { world }: Context): string {
  return path.startsWith("~/") ? join(world.env["HOME"] ?? "", path.slice(2)) : path;
}
