// The targets of a project: each is made when it is first asked for, and made anew when its section has changed.
import { SestaError } from "../base/errors.ts";
import type { Project } from "../model/project.ts";
import type { TargetSection } from "../model/target-section.ts";
import { findWorkload } from "../model/project.ts";
import type { ProjectState } from "../state/project-state.ts";
import type { Target } from "../targets/target.ts";

export type Targets = {
  /** @throws SestaError UNKNOWN_TARGET for one that is neither in the file nor remembered */
  get(name: string): Target;
  /** Where a workload is; of one that is not up, where the file wants it. */
  of(workload: string): Target;
  /** `local`, and every other that something is up on, or is being brought up on or taken from. */
  inUse(): Target[];
  /**
   * Something will be up on it: it can be taken down from there when the file does not say any more what it is, or names
   * another machine.
   */
  remember(name: string): void;
  /** The machine that something is up on, where the file names another one by now. */
  findMoved(name: string): { before: string; now: string } | undefined;
  /** Lets go of connections. */
  close(): Promise<void>;
};

/** The project's folders on machines elsewhere keep their name when the project gets another one. */
const folderSetting = "folder on machines";

export function folderOnMachines(state: ProjectState, project: Project): string {
  return state.findSetting(folderSetting) ?? project.name;
}

export type TargetsContext = {
  /** As it is now: a gateway reads it again. */
  project: () => Project;
  state: ProjectState;
  create: (name: string, section: TargetSection) => Target;
};

export function createTargets({ project, state, create }: TargetsContext): Targets {
  const made = new Map<string, { section: string; target: Target }>();
  const settingOf = (name: string) => `target ${name}`;
  const findDeclared = (name: string): TargetSection | undefined => {
    const { targets } = project();
    return Object.hasOwn(targets, name) ? targets[name] : undefined;
  };
  const findRemembered = (name: string): TargetSection | undefined => {
    const remembered = state.findSetting(settingOf(name));
    return remembered === undefined ? undefined : (JSON.parse(remembered) as TargetSection);
  };
  const findMoved = (name: string) => {
    const [declared, remembered] = [findDeclared(name), findRemembered(name)];
    if (!declared || !remembered || listOn(state, name).length === 0) return undefined;
    const [before, now] = [machineOf(remembered), machineOf(declared)];
    return before === now ? undefined : { before, now };
  };
  const findSection = (name: string): TargetSection | undefined =>
    findMoved(name) ? findRemembered(name) : (findDeclared(name) ?? findRemembered(name));

  const find = (name: string): Target | undefined => {
    const section = findSection(name);
    if (!section) return undefined;
    const present = made.get(name);
    const text = JSON.stringify(section);
    if (present?.section === text) return present.target;
    void present?.target.close();
    const target = create(name, section);
    made.set(name, { section: text, target });
    return target;
  };
  const get = (name: string): Target => {
    const target = find(name);
    if (target) return target;
    throw new SestaError("UNKNOWN_TARGET", `There is no target ${name} any more`, {
      hint: `Put it back under \`targets:\` in sesta.yaml, so that what is on it can be taken down.`,
    });
  };

  return {
    get,
    of: (workload) =>
      get(state.findWorkload(workload)?.target ?? findWorkload(project(), workload)?.target ?? "local"),
    inUse() {
      const names = new Set(["local", ...state.listWorkloads().map(({ target }) => target)]);
      return [...names].flatMap((name) => find(name) ?? []);
    },
    remember(name) {
      const section = findSection(name);
      if (section) state.setSetting(settingOf(name), JSON.stringify(section));
      if (state.findSetting(folderSetting) === undefined) state.setSetting(folderSetting, project().name);
    },
    findMoved,
    async close() {
      await Promise.all([...made.values()].map(({ target }) => target.close()));
    },
  };
}

/** By the name under which its key is pinned: the same one may get another address. */
function machineOf(section: TargetSection): string {
  return section.type === "ssh" ? (section.hosts[0]?.name ?? "no host") : "this machine";
}

/** The workloads that are up on a target, or are being brought up on it or taken from it. */
export function listOn(state: ProjectState, target: string) {
  return state.listWorkloads().filter((placed) => placed.target === target);
}
