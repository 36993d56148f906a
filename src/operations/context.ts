// What every operation is given: the project, its state, its targets, and the world in the form of arguments.
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { existsSync } from "node:fs";
import { makePrivateFolder, writeAtomic } from "../base/atomic-file.ts";
import { createLocalMachine } from "../machine/local.ts";
import type { Machine } from "../machine/machine.ts";
import { strayMark } from "../machine/start-detached.ts";
import { sendWakePacket } from "../machine/wake-on-lan.ts";
import { listServices, type Project } from "../model/project.ts";
import type { TargetSection } from "../model/target-section.ts";
import { version } from "../base/version.ts";
import { loadProjectCached } from "../project/load-cached.ts";
import { openProjectState, type ProjectState } from "../state/project-state.ts";
import { createLocalTarget } from "../targets/local/local.ts";
import { createSshTarget } from "../targets/ssh/ssh.ts";
import type { ModelServerSource, ProgramSource, Target } from "../targets/target.ts";
import { createTargets, folderOnMachines, type Targets } from "./targets.ts";

/** What belongs to the process rather than to the project. */
export type World = {
  clock: Clock;
  env: NodeJS.ProcessEnv;
  pid: number;
  /** Shared by all projects of the user. */
  cacheFolder: string;
  /** How the agent is run: its flags, its program and a folder are added. */
  agentCommand: readonly [string, ...string[]];
  agentProgram: string;
  modelServer: ModelServerSource;
  /** What gets certificates from a CA. */
  acmeClient: ProgramSource;
  /** A folder is added. */
  gatewayCommand: readonly [string, ...string[]];
  /** The agent's program as one file, and what Node is given before it: for machines elsewhere. */
  loadAgent(): Promise<string>;
  /** @param serves whether it will balance requests */
  agentFlags(serves: boolean): readonly string[];
  signal: AbortSignal;
  /** The files that what this command prints goes to: as stat(2) knows them. */
  printsTo?: readonly { dev: number; ino: number }[];
  /** A person sits at a terminal, on which ssh may ask for a passphrase or a PIN. */
  asks?: boolean;
};

export type Context = {
  world: World;
  project: Project;
  /** `.sesta` beside `sesta.yaml`. */
  folder: string;
  state: ProjectState;
  targets: Targets;
  machine: Machine;
};

/** @throws SestaError about the project file or the state folder */
export async function openContext(world: World, projectFolder: string): Promise<Context> {
  const folder = join(projectFolder, ".sesta");
  const project = await loadProjectCached(projectFolder, folder, version);
  await makePrivateFolder(folder);
  await ignoreByGit(folder);
  const state = openProjectState(join(folder, "state.db"));
  const machine = createLocalMachine(world.env);
  const targets = createTargets({
    project: () => context.project,
    state,
    create: (name, section) => createTarget(context, name, section),
  });
  const context: Context = { world, project, folder, state, targets, machine };
  return context;
}

function createTarget(context: Context, name: string, section: TargetSection): Target {
  const { world, project, folder, state, machine } = context;
  const { clock, cacheFolder, signal } = world;
  const serves = listServices(project).some(({ target }) => target === name);
  const flags = world.agentFlags(serves);
  if (section.type === "ssh") {
    const [host] = section.hosts;
    if (!host) throw new Error(`${name} has no host`);
    return createSshTarget({
      name,
      section,
      access: {
        host,
        folder: project.folder,
        stateFolder: folder,
        env: buildLastingEnv(world, project),
        ask: world.asks,
      },
      project: folderOnMachines(state, project),
      state,
      clock,
      loadAgent: world.loadAgent,
      modelServer: world.modelServer,
      acmeClient: world.acmeClient,
      agentFlags: flags,
      sendWake: sendWakePacket,
      signal,
    });
  }
  return createLocalTarget({
    name,
    folders: { project: project.folder, sesta: folder },
    machine,
    state,
    clock,
    cacheFolder,
    agentCommand: [...world.agentCommand, ...flags, world.agentProgram],
    modelServer: world.modelServer,
    acmeClient: world.acmeClient,
    agentEnv: buildLastingEnv(world, project),
    signal,
  });
}

/** The project file as it is now. */
export function readProject({ project, folder }: Context): Promise<Project> {
  return loadProjectCached(project.folder, folder, version);
}

/**
 * The environment for what outlives the command: the project's secrets are not in it, nor the mark of a workload
 * whose terminal the command was typed in, which would end it together with that workload. Compiled code is kept
 * in Sesta's own cache: an agent that compiles nothing holds 25 MB less.
 */
export function buildLastingEnv({ env, cacheFolder }: World, project: Project): NodeJS.ProcessEnv {
  const left = new Set(Object.values(project.secrets).flatMap((ref) => ("env" in ref ? [ref.env] : [])));
  const own = Object.entries(env).filter(([name]) => !left.has(name) && name !== strayMark);
  return { ...Object.fromEntries(own), NODE_COMPILE_CACHE: join(cacheFolder, "compiled") };
}

async function ignoreByGit(folder: string): Promise<void> {
  const path = join(folder, ".gitignore");
  if (!existsSync(path)) await writeAtomic(path, "*\n");
}
