// What comes before the program in a job's playbook: packages, sources, data, Python, the container's image.
import { posix } from "node:path";
import { quoteWord } from "../../commands/shell-words.ts";
import { pythonVersionOf, type Steps } from "./playbook-options.ts";
import { inert, literal, type Task } from "./playbook-text.ts";

/** A package manager's lists may be as old as the machine's image. */
export function buildPackageTasks({ job, options, engine, sendsSources }: Steps): Task[] {
  const { manager } = options;
  const isApt = manager === "apt";
  const sends = sendsSources || job.data.some(({ kind, unpack }) => kind === "path" && !unpack);
  const needed = [
    ...job.packages,
    ...(job.repo !== undefined && !sendsSources ? ["git"] : []),
    ...(sends && !options.local ? ["rsync"] : []),
    ...(job.python ? [isApt ? `python${job.python.version ?? "3"}-venv` : "python3-pip"] : []),
    ...(job.container && engine === "docker" ? [isApt ? "python3-docker" : "python3-requests"] : []),
    ...(job.data.some(({ unpack, to, from }) => unpack && /zip$/i.test(`${from}${to}`)) ? ["unzip"] : []),
  ];
  const names = [...new Set(needed)].map((name) => (isApt ? name : name.replace("=", "-")));
  if (names.length === 0) return [];
  return [
    {
      name: "Install packages of the system",
      [`ansible.builtin.${manager}`]: { name: names, state: "present", update_cache: true },
      become: true,
    },
  ];
}

const checkout = "{{ project }}/.sesta/sources";

export function buildSourceTasks(steps: Steps): Task[] {
  const { job, sendsSources } = steps;
  const made = makeFolder("Make the folder of the run", "{{ work }}");
  if (job.repo === undefined)
    return [
      made,
      sendFolder(steps, "{{ project }}", "Send the project's own files, as .gitignore leaves them"),
    ];
  if (!sendsSources)
    return [
      {
        name: "Clone the repository",
        "ansible.builtin.git": {
          repo: inert(job.repo),
          dest: "{{ work }}",
          version: "{{ revision }}",
          force: true,
        },
        register: "sources",
      },
    ];
  return [
    {
      name: "Check the repository out on this machine",
      "ansible.builtin.git": {
        repo: inert(job.repo),
        dest: checkout,
        version: "{{ revision }}",
        force: true,
      },
      ...(job.token !== undefined && { environment: buildTokenVariables(steps, job.token) }),
      delegate_to: "localhost",
      run_once: true,
    },
    made,
    sendFolder(steps, checkout, "Send its files"),
  ];
}

function sendFolder({ job, options }: Steps, folder: string, name: string): Task {
  const isOwn = job.repo === undefined;
  const left = [".git", ...(isOwn ? [".sesta", job.into, ...options.excluded] : [])].filter(
    (path) => path !== ".",
  );
  return {
    name,
    "ansible.posix.synchronize": {
      src: `${folder}/`,
      dest: "{{ work }}/",
      use_ssh_args: true,
      // The module splits them as a shell would; the rule's space may be an underscore (rsync(1), FILTER RULES).
      rsync_opts: [
        ...(isOwn ? ["--filter=:-_.gitignore"] : []),
        ...left.map((path) => inert(quoteWord(`--exclude=/${path}`))),
      ],
    },
    register: "sources",
  };
}

/** git asks a helper, which reads the variable that Ansible itself was started with: the token is in no argument. */
function buildTokenVariables({ options }: Steps, token: string) {
  const name = options.secrets[token] ?? token;
  return {
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "credential.helper",
    GIT_CONFIG_VALUE_0: `!f() { test "$1" = get && printf 'username=x-access-token\\npassword=%s\\n' "$${name}"; }; f`,
  };
}

function makeFolder(name: string, path: string): Task {
  return { name, "ansible.builtin.file": { path: posix.normalize(path), state: "directory", mode: "0755" } };
}

export function buildDataTasks({ job, options }: Steps): Task[] {
  return job.data.flatMap(({ from, kind, to, unpack, sha256 }): Task[] => {
    const target = `{{ work }}/${inert(to)}`;
    const folder = unpack ? target : `{{ work }}/${inert(posix.dirname(to))}`;
    const made = makeFolder(`Make the folder of ${nameOf(to)}`, folder);
    if (kind === "url") {
      const file = unpack ? `{{ work }}.${inert(posix.basename(new URL(from).pathname))}` : target;
      const checksum = sha256 === undefined ? {} : { checksum: `sha256:${sha256}` };
      const got = {
        name: `Download ${nameOf(posix.basename(new URL(from).pathname))}`,
        "ansible.builtin.get_url": { url: inert(from), dest: file, mode: "0644", ...checksum },
      };
      return unpack ? [made, got, unpackTask(file, target, to, true)] : [made, got];
    }
    const source = `{{ project }}/${inert(from)}`;
    if (unpack) return [made, unpackTask(source, target, to, false)];
    return [
      made,
      {
        name: `Send ${nameOf(from)}`,
        "ansible.posix.synchronize": {
          src: options.folders.includes(from) ? `${source}/` : source,
          dest: options.folders.includes(from) ? `${target}/` : target,
          use_ssh_args: true,
        },
      },
    ];
  });
}

function unpackTask(source: string, target: string, to: string, isThere: boolean): Task {
  return {
    name: `Unpack ${nameOf(to)}`,
    "ansible.builtin.unarchive": { src: source, dest: target, ...(isThere && { remote_src: true }) },
  };
}

export function buildPythonTasks({ job }: Steps): Task[] {
  if (!job.python) return [];
  const { packages, requirements } = job.python;
  const common = {
    virtualenv: "{{ work }}.venv",
    virtualenv_command: `${pythonVersionOf(job.python)} -m venv`,
  };
  return [
    ...(requirements === undefined
      ? []
      : [
          {
            name: "Install the requirements",
            "ansible.builtin.pip": { requirements: `{{ work }}/${inert(requirements)}`, ...common },
          },
        ]),
    ...(packages.length === 0
      ? []
      : [
          {
            name: "Install Python packages",
            "ansible.builtin.pip": { name: packages.map(literal), ...common },
          },
        ]),
  ];
}

/** Built anew when its sources changed; what a module leaves out, the engine's own default fills in. */
export function buildImageTasks({ job, engine }: Steps): Task[] {
  const { container } = job;
  if (!container) return [];
  const module = engine === "docker" ? "community.docker.docker_image" : "containers.podman.podman_image";
  const become = engine === "docker" ? { become: true } : {};
  if ("image" in container) {
    const pull = engine === "docker" ? { source: "pull" } : {};
    return [
      { name: `Pull the image ${container.image}`, [module]: { name: container.image, ...pull }, ...become },
    ];
  }
  const folder = posix.normalize(`{{ work }}/${inert(container.build)}`).replace(/\/\.?$/, "");
  const file = container.file === undefined ? undefined : `{{ work }}/${inert(container.file)}`;
  const build =
    engine === "docker"
      ? {
          source: "build",
          build: { path: folder, ...(file !== undefined && { dockerfile: file }) },
          force_source: "{{ sources is changed }}",
        }
      : { path: folder, ...(file !== undefined && { build: { file } }), force: "{{ sources is changed }}" };
  return [
    { name: `Build the image ${container.tag}`, [module]: { name: container.tag, ...build }, ...become },
  ];
}

/** A task's name is a template too. */
function nameOf(text: string): string {
  return text.replaceAll(/[{}]/g, "");
}
