// A job as an Ansible playbook of the same steps, in one file that depends on no other.
import type { JobSection } from "../../model/project.ts";
import { parseRepository } from "../../model/repository.ts";
import {
  buildDataTasks,
  buildImageTasks,
  buildPackageTasks,
  buildPythonTasks,
  buildSourceTasks,
} from "./playbook-steps.ts";
import {
  projectFolder,
  longest,
  pollS,
  pythonVariables,
  type PlaybookOptions,
  type Steps,
} from "./playbook-options.ts";
import { buildFetchTasks, buildRunTasks, listPassed, rendezvous } from "./playbook-run.ts";
import { buildPlaybookText, literal, type Task } from "./playbook-text.ts";

/**
 * Pure: the text of the file. What is whose: `run`, `setup` and the text of `env` are never taken for templates.
 * @param job a folder as its `repo` is absolute
 */
export function buildPlaybook(job: JobSection, options: PlaybookOptions): string {
  const steps: Steps = { job, options, engine: chooseEngine(job), sendsSources: sendsSources(job) };
  const { name, nodes } = job;
  const tasks = [
    ...buildSecretTasks(steps),
    ...buildPackageTasks(steps),
    ...buildSourceTasks(steps),
    ...buildDataTasks(steps),
    ...buildPythonTasks(steps),
    ...buildImageTasks(steps),
    ...buildSetupTasks(steps),
    ...(job.run === undefined ? [] : buildRunTasks(steps)),
    ...buildFetchTasks(steps),
  ];
  const play: Task = {
    name: `Run ${name.replaceAll(/[{}]/g, "")}`,
    hosts: options.local ? "localhost" : nodes === 1 ? "all[0]" : `all[0:${nodes - 1}]`,
    ...(options.local && { connection: "local" }),
    vars: buildVars(steps),
    tasks,
  };
  const own =
    job.playbook === undefined
      ? []
      : [{ name: "Configure the machines", "ansible.builtin.import_playbook": job.playbook }];
  return buildPlaybookText(buildHead(steps), [...own, play], comments);
}

const comments = {
  work: "The folder of the run on the machine.",
  project: "The folder of the project on this machine.",
  revision: "A branch, tag or commit.",
  command: "Given to sh -c in that folder.",
};

function buildHead({ job, options }: Steps): string[] {
  const { name } = job;
  const names = [...new Set(secretsOf(job).map((secret) => options.secrets[secret] ?? secret))];
  const many = job.nodes === 1 ? "on the first machine" : `on the first ${job.nodes} machines`;
  return [
    `The job ${name} of ${options.project}, written by \`sesta eject ${name} --ansible\`. It needs Ansible alone:`,
    "",
    options.local
      ? `  ansible-playbook ${options.fileName}`
      : `  ansible-playbook --inventory inventory.yaml ${options.fileName}    (${many} of the inventory)`,
    ...(names.length === 0 ? [] : ["", `Set in the environment beforehand: ${names.join(", ")}`]),
    ...(job.tracker === undefined
      ? []
      : [
          "",
          `Its run in the tracker ${job.tracker} is Sesta's work and left out: nobody opens one, or closes it by how the`,
          "program ended and with what it printed. The program may report by itself: it gets of these what is set in the",
          `environment, where it names what the machine reaches: ${listPassed(job).join(", ")}`,
        ]),
  ];
}

function buildVars({ job, options, sendsSources: sends }: Steps): Task {
  const { repo, ref, run, nodes } = job;
  return {
    work: `{{ ansible_facts['user_dir'] }}/sesta/${options.project}/${job.name}`,
    ...((sends || job.data.some(({ kind }) => kind === "path")) && { project: projectFolder(options) }),
    ...(repo !== undefined && { revision: ref ?? "HEAD" }),
    ...(run !== undefined && { command: literal(run) }),
    ...(nodes > 1 && { rendezvous: rendezvous(job) }),
  };
}

/** One sentence before anything is done, instead of a program that fails for want of a token. */
function buildSecretTasks({ job, options }: Steps): Task[] {
  const names = [...new Set(secretsOf(job).map((secret) => options.secrets[secret] ?? secret))];
  if (names.length === 0) return [];
  return [
    {
      name: "Look for the secrets",
      "ansible.builtin.assert": {
        that: "lookup('ansible.builtin.env', item) | length > 0",
        fail_msg: "{{ item }} is not set in the environment of ansible-playbook",
        quiet: true,
      },
      loop: names,
      delegate_to: "localhost",
      run_once: true,
    },
  ];
}

function buildSetupTasks({ job }: Steps): Task[] {
  if (job.setup === undefined) return [];
  return [
    {
      name: "Set it up",
      "ansible.builtin.command": { argv: ["sh", "-c", "{{ setup_script }}"], chdir: "{{ work }}" },
      vars: { setup_script: literal(job.setup) },
      changed_when: true,
      ...(job.python && { environment: pythonVariables }),
      async: longest,
      poll: pollS,
    },
  ];
}

/** Those of the program and of the repository. */
function secretsOf({ env, token }: JobSection): string[] {
  const ofProgram = Object.values(env).flatMap((value) => ("secret" in value ? [value.secret] : []));
  return [...ofProgram, ...(token === undefined ? [] : [token])];
}

/** Docker, unless its packages bring Podman alone. */
function chooseEngine({ packages }: JobSection): "docker" | "podman" {
  const has = (word: string) => packages.some((name) => name.startsWith(word));
  return has("podman") && !has("docker") && !has("moby") ? "podman" : "docker";
}

/** A repository that only this machine reads: a folder here, or one whose token must not leave it. */
function sendsSources({ repo, token }: JobSection): boolean {
  if (repo === undefined || token !== undefined) return true;
  const found = parseRepository(repo);
  return "kind" in found && found.kind === "path";
}
