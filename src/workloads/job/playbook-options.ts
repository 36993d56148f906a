// What a job's playbook is built from, beside the job; and what its parts share.
import type { JobPython, JobSection } from "../../model/project.ts";
import { inert } from "./playbook-text.ts";

export type PlaybookOptions = {
  /** Name of the project. */
  project: string;
  /** The target is this machine. */
  local: boolean;
  manager: "apt" | "dnf";
  /** Environment variables that hold the secrets, by the secrets' names. */
  secrets: Readonly<Record<string, string>>;
  /** Paths in the project's folder that never leave it. */
  excluded: readonly string[];
  /** Those of the job's data that are folders. */
  folders: readonly string[];
  /** Its name, for the line that says how it is run. */
  fileName: string;
  /** From its folder to the project's; empty where they are the same. */
  projectPath: string;
};

/** What each step is built from. */
export type Steps = {
  job: JobSection;
  options: PlaybookOptions;
  engine: "docker" | "podman";
  /** The sources come from this machine; otherwise the job's own machine clones them. */
  sendsSources: boolean;
};

/** The project's folder on this machine. */
export function projectFolder({ projectPath }: PlaybookOptions): string {
  return `{{ playbook_dir }}${projectPath === "" ? "" : `/${inert(projectPath)}`}`;
}

/** Beyond it Ansible ends a task; a day, where the job says nothing. */
export const longest = 86_400;
export const pollS = 5;

export const pythonVariables = {
  PATH: "{{ work }}.venv/bin:{{ ansible_facts['env']['PATH'] }}",
  VIRTUAL_ENV: "{{ work }}.venv",
};

export function pythonVersionOf({ version }: JobPython): string {
  return `python${version ?? "3"}`;
}
