// The program of a job in its playbook, and what comes home of it.
import { posix } from "node:path";
import { buildContainerRun } from "../../commands/container.ts";
import { buildRankVariables } from "../../commands/distributed.ts";
import { quoteWord } from "../../commands/shell-words.ts";
import type { JobSection } from "../../model/project.ts";
import { longest, pollS, projectFolder, pythonVariables, type Steps } from "./playbook-options.ts";
import { inert, literal, type Task } from "./playbook-text.ts";

const masterPort = 29_500; // PyTorch's own
const retryDelayS = 5;
const widest = 90;

/** Which machine of the run each one is, as Ansible knows them. */
export function rendezvous({ nodes }: JobSection): Record<string, string> {
  const first =
    "{{ hostvars[ansible_play_hosts_all[0]]['ansible_host'] | default(ansible_play_hosts_all[0]) }}";
  const rank = "{{ ansible_play_hosts_all.index(inventory_hostname) | string }}";
  const variables = buildRankVariables({ node: 0, nodes, masterAddress: first, masterPort });
  return { ...variables, NODE_RANK: rank, GROUP_RANK: rank, RANK: rank };
}

/** The program, and before it what keeps its secrets to itself. */
export function buildRunTasks(steps: Steps): Task[] {
  const { job, engine, options } = steps;
  const { timeoutMs, retries, container, nodes, env } = job;
  const texts = Object.entries(env).flatMap(([name, value]) =>
    "text" in value ? [[name, literal(value.text)]] : [],
  );
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    "secret" in value ? [{ name, from: options.secrets[value.secret] ?? value.secret }] : [],
  );
  const passed = listPassed(job);
  const exports = [
    ...secrets.map(
      ({ name, from }) => `export ${name}={{ lookup('ansible.builtin.env', '${from}') | quote }}`,
    ),
    ...(passed.length === 0
      ? []
      : [
          `{% for name in [${passed.map((name) => `'${name}'`).join(", ")}]`,
          "   if lookup('ansible.builtin.env', name) %}",
          "export {{ name }}={{ lookup('ansible.builtin.env', name) | quote }}",
          "{% endfor %}",
        ]),
  ];
  const isSecret = exports.length > 0;
  const environment = [
    ...(nodes > 1 ? ["{{ rendezvous }}"] : []),
    ...(job.python ? [pythonVariables] : []),
    ...(texts.length === 0 ? [] : [Object.fromEntries(texts) as object]),
  ];
  const program = {
    name: "Run the program",
    "ansible.builtin.shell": {
      cmd: buildCommand(steps, isSecret),
      chdir: "{{ work }}",
      // Ansible puts an environment into arguments of ssh and sudo, where every user of a machine could read it.
      ...(isSecret && { stdin: exports.join("\n") }),
    },
    ...(environment.length === 0
      ? {}
      : { environment: environment.length === 1 ? environment[0] : environment }),
    ...(container && engine === "docker" && { become: true }),
    ...(isSecret && { no_log: true, vars: { ansible_async_dir: asyncFolder } }),
    async: timeoutMs === null ? longest : Math.ceil(timeoutMs / 1000),
    poll: pollS,
    changed_when: true,
    ...(retries > 0 && { register: "ran", until: "ran is succeeded", retries, delay: retryDelayS }),
  };
  return isSecret ? [makeAsyncFolder, program] : [program];
}

/** By which MLflow's clients find a tracker, and what they do there. */
const trackerVariables = [
  "MLFLOW_TRACKING_URI",
  "MLFLOW_TRACKING_TOKEN",
  "MLFLOW_EXPERIMENT_NAME",
  "MLFLOW_RUN_ID",
];

/** What the program gets of the environment of Ansible, where it is set there: to tell a tracker is Sesta's own work. */
export function listPassed({ tracker, env }: JobSection): string[] {
  return tracker === undefined ? [] : trackerVariables.filter((name) => !Object.hasOwn(env, name));
}

const asyncFolder = "{{ work }}.async";

/** Ansible writes how such a task ended into a file that everybody may read, with the secrets that it was given. */
const makeAsyncFolder: Task = {
  name: "Make a folder that nobody else may look into",
  "ansible.builtin.file": { path: asyncFolder, state: "directory", mode: "0700" },
};

function buildCommand({ job, engine }: Steps, hasSecrets: boolean): string {
  const { container, stdout, env, gpus, nodes } = job;
  const image = container && ("image" in container ? container.image : container.tag);
  const ranks = nodes > 1 ? Object.keys(rendezvous(job)) : [];
  const script = "sh -c {{ command | quote }}";
  const program =
    image === undefined
      ? script
      : `${containerLine([...ranks, ...Object.keys(env), ...listPassed(job)], image)} ${script}`;
  const into = stdout === undefined ? "" : ` >${inert(quoteWord(stdout))}`;
  const folder = stdout === undefined ? "." : posix.dirname(stdout);
  return [
    ...(hasSecrets ? ["set -e", ". /dev/stdin"] : []),
    ...(folder === "." ? [] : [`mkdir -p ${inert(quoteWord(folder))}`]),
    `${program}${into}`,
  ].join("\n");

  function containerLine(names: readonly string[], name: string): string {
    const argv = buildContainerRun({
      engine: [engine],
      image: name,
      name: "NAME",
      workdir: "WORK",
      env: names,
      data: [],
      gpus,
      hostNetwork: nodes > 1,
      argv: [],
    });
    const words = argv.map((word) => {
      if (word === "--name=NAME") return "--rm";
      if (word === "HOMEDIR=WORK") return 'HOMEDIR="$PWD"';
      return quoteWord(word).replace(
        /=WORK(?::WORK)?$/,
        (end) => `="${end.slice(1).replaceAll("WORK", "$PWD")}"`,
      );
    });
    return wrap(words);
  }
}

/** Onto lines that can be read. An option and its value stay together. */
function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  for (const [at, word] of words.entries()) {
    const last = lines.at(-1);
    const fits = last !== undefined && (last.length + word.length < widest || words[at - 1] === "--env");
    if (fits) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(word);
  }
  return lines.join(" \\\n  ");
}

/** A file by its name; folders and patterns by what is there then. Machines of one run get a folder each. */
export function buildFetchTasks({ job, options }: Steps): Task[] {
  const { fetch, stdout, into, nodes } = job;
  const to = `${projectFolder(options)}/${inert(into)}/${nodes > 1 ? "{{ inventory_hostname }}/" : ""}`;
  const others = fetch.filter((pattern) => pattern !== stdout);
  const own = stdout !== undefined && fetch.includes(stdout);
  return [
    ...(own
      ? [
          {
            name: "Bring the output home",
            "ansible.builtin.fetch": {
              src: `{{ work }}/${inert(stdout)}`,
              dest: `${to}${inert(stdout)}`,
              flat: true,
            },
          },
        ]
      : []),
    ...(others.length === 0
      ? []
      : [
          {
            name: "List what else comes home",
            [`ansible.builtin.${others.some((pattern) => /[*?]/.test(pattern)) ? "shell" : "command"}`]: {
              cmd: `find ${others.map(quotePattern).map(inert).join(" ")} -type f`,
              chdir: "{{ work }}",
            },
            register: "outputs",
            changed_when: false,
          },
          {
            name: "Bring it home",
            "ansible.builtin.fetch": { src: "{{ work }}/{{ item }}", dest: `${to}{{ item }}`, flat: true },
            loop: "{{ outputs.stdout_lines }}",
          },
        ]),
  ];
}

/** `*` and `?` stay for the shell. */
function quotePattern(pattern: string): string {
  const words = pattern.split(/([*?])/).map((part) => (/^[*?]?$/.test(part) ? part : quoteWord(part)));
  return `./${words.join("")}`;
}
