// Ejected jobs: ansible-lint and the real Ansible accept them, and what they bring home is what `sesta run` brings home.
import { spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../src/base/clock.ts";
import { createLocalMachine } from "../src/machine/local.ts";
import { makePythonEnvironment } from "../src/machine/python-environment.ts";
import { ensureAnsible } from "../src/operations/playbook/ensure-ansible.ts";
import { findMissingPodman, startDocker } from "./support/docker-of-podman.ts";
import { hasTerminal, runCli, runOnTerminal } from "./support/cli.ts";
import { root } from "./support/source-files.ts";
import { findMissingSshd, startSshServer, type SshServer } from "./support/ssh-server.ts";

const place = mkdtempSync(join(tmpdir(), "sesta-eject-"));
const folder = join(place, "project");
const cacheFolder = join(tmpdir(), "sesta-test-cache");
const token = "hf-canary-81yx's\nsecond line";
const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
const env = {
  ...inherited,
  HF_TOKEN: token,
  SESTA_CACHE: cacheFolder,
  // Ansible looks for it in the home folder of the user's entry, and writes it where HOME says.
  ANSIBLE_ASYNC_DIR: join(tmpdir(), `sesta-async-${process.pid}`),
};
// One connection for all steps, as Ansible has it by itself, at a path of the test's own.
const control = join(place, "ssh");
const sharedConnection = `-o ControlMaster=auto -o ControlPersist=5s -o ControlPath=${control}`;
const machine = createLocalMachine(env);
const bins: Record<string, string> = {};
const missing = findMissingSshd() ?? (await findMissingAnsible());
if (missing !== undefined) console.log(`skipped: ${missing}, so no ejected playbook runs`);

const job = `
    type: job
    setup: 'echo "made by {{ setup }}" > made'
    run: |
      sh train.sh "{{ not }} a \${#template}" 'two  "quoted" \\ {% %}'
      echo "$EPOCHS $SHAPE $(cat data/digits in/labels.csv made)"
      printf '%s' "$HF_TOKEN" | cksum
    env: { EPOCHS: "3", SHAPE: "{{ 64 }} \\"x\\"", HF_TOKEN: "\${secret.hf_token}" }
    data: [data, { from: labels.csv, to: in/labels.csv }]
    stdout: logs/out put.txt
    fetch: [logs/out put.txt, "*.pt", model]
    into: my results
`;
const yaml = (port: number) => `name: vision
secrets: { hf_token: { env: HF_TOKEN } }
targets:
  box: { type: ssh, hosts: [{ host: 127.0.0.1, port: ${port}, user: ${userInfo().username}, key: ${join(place, "key")} }] }
workloads:
  here:${job}
  there:${job}    target: box
  tracking: { type: tracker }
  tells: { type: job, tracker: tracking, run: "env | grep ^MLFLOW | sort", stdout: told, fetch: [told], into: "." }
`;
const train = `printf '%s|' "$@"; echo
mkdir -p model/deep; echo weights > model/deep/w; echo one > 1.pt
# Whether the secret stands in the arguments of any process.
(umask 077; printf '%s' "$HF_TOKEN" | head -1 > ../token)
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c -F -f ../token
rm ../token; ls -A
`;

let server: SshServer | undefined;
let port = 0;
beforeAll(async () => {
  if (missing !== undefined) return;
  server = await startSshServer(place);
  port = Number(/^Port (\d+)$/m.exec(readFileSync(join(place, "sshd_config"), "utf8"))?.[1]);
  for (const path of ["data", "ignored"]) mkdirSync(join(folder, path), { recursive: true });
  const files = {
    "sesta.yaml": yaml(port),
    "train.sh": train,
    "data/digits": "0 1 2\n",
    "labels.csv": "a,b\n",
    ".gitignore": "ignored/\n*.log\n",
    "ignored/x": "",
    "a.log": "",
    "inventory.yaml": `all:\n  hosts:\n    box:\n      ansible_host: 127.0.0.1\n      ansible_port: ${port}\n      ansible_user: ${userInfo().username}\n      ansible_ssh_private_key_file: ${join(place, "key")}\n      ansible_ssh_common_args: -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null\n      ansible_python_interpreter: /usr/bin/python3\n      ansible_async_dir: ${join(place, "async")}\n`,
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  spawnSync("git", ["init", "--quiet", folder]);
});
afterAll(async () => {
  if (existsSync(control))
    spawnSync("ssh", ["-F", "none", "-o", `ControlPath=${control}`, "-O", "exit", "box"]);
  await server?.end();
  rmSync(place, { recursive: true, force: true });
});

const eject = (...argv: string[]) => runCli(["eject", ...argv], folder, { ...env });

function playbook(which: string, file: string, more: readonly string[] = [], own: NodeJS.ProcessEnv = {}) {
  const argv = [join(bins[which] ?? "", "ansible-playbook"), "-i", "inventory.yaml", file, ...more];
  return new Promise<{ code: number; text: string }>((resolve) => {
    const [program = "", ...operands] = argv;
    const child = spawn(program, operands, {
      cwd: folder,
      env: { ...env, ANSIBLE_NOCOLOR: "1", LC_ALL: "C.UTF-8", ANSIBLE_SSH_ARGS: sharedConnection, ...own },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (part: string) => (text += part));
    child.once("close", (code) => resolve({ code: code ?? 128, text }));
  });
}

const variables = (work: string) => [
  "-e",
  `work=${work}`,
  "-e",
  "ansible_python_interpreter=/usr/bin/python3",
];

/** Looks again and again for these words in files below the folders that everybody may open. */
function watchOpenFiles(folders: readonly string[], words: string): { end(): string[] } {
  const found = new Set<string>();
  const look = (folder: string) => {
    for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
      const path = join(folder, entry.name);
      const mode = lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0;
      if (entry.isDirectory() && (mode & 0o005) !== 0) look(path);
      if (entry.isFile() && (mode & 0o004) !== 0 && readFileSync(path).includes(words)) found.add(path);
    }
  };
  const lookOnce = () => {
    try {
      for (const folder of folders) look(folder);
    } catch {
      // something has gone meanwhile
    }
  };
  const timer = setInterval(lookOnce, 100);
  return { end: () => (clearInterval(timer), [...found]) };
}

/** Every file below, with its text. */
function tree(path: string): Record<string, string> {
  const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names
      .map((entry) => {
        const full = join(entry.parentPath, entry.name);
        return [full.slice(path.length + 1), readFileSync(full, "utf8")];
      })
      .toSorted(),
  );
}

describe.skipIf(missing !== undefined)("a job", { timeout: 600_000 }, () => {
  test("brings home what `sesta run` does, from this machine and from one behind sshd", async () => {
    const ran = await runCli(["run", "here", "-y"], folder, env);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const wanted = tree(join(folder, "my results"));
    expect(Object.keys(wanted)).toEqual(["1.pt", "logs/out put.txt", "model/deep/w"]);
    const lines = (wanted["logs/out put.txt"] ?? "").split("\n");
    expect(lines.slice(0, 2)).toEqual(['{{ not }} a 0|two  "quoted" \\ {% %}|', "0"]);
    expect(lines).toContain('3 {{ 64 }} "x" 0 1 2');
    const isFull = process.env["SESTA_FULL"] === "1"; // the one on this machine is the other without a connection
    for (const [name, which] of [
      ...(isFull ? [["here", "current"] as const] : []),
      ["there", "older"] as const,
    ]) {
      rmSync(join(folder, "my results"), { recursive: true });
      expect(await eject(name, "--ansible", "-y")).toMatchObject({
        code: 0,
        stdout: `${name}.playbook.yaml\n`,
      });
      const work = join(place, `${which}-${name}`, "deep", "work");
      const seen = watchOpenFiles([place, env.ANSIBLE_ASYNC_DIR], "hf-canary");
      const { code, text } = await playbook(which, `${name}.playbook.yaml`, variables(work));
      expect(code, text).toBe(0);
      expect(tree(join(folder, "my results"))).toEqual(wanted);
      expect(text).not.toContain("canary");
      expect(seen.end()).toEqual([]);
      expect(statSync(`${work}.async`).mode & 0o777).toBe(0o700);
      rmSync(join(folder, `${name}.playbook.yaml`)); // it would be one of the project's own files
    }
  });

  test("that reports to a tracker: what is left out is said, and the environment's own tracker passed on", async () => {
    const { stderr } = await eject("tells", "--ansible", "-y");
    expect(stderr).toContain("left out: its run in tracking");
    const token = "it's a canary";
    for (const [which, own, told] of [
      ["current", {}, ""],
      [
        "older",
        { MLFLOW_TRACKING_URI: "http://box:5000", MLFLOW_TRACKING_TOKEN: token },
        `MLFLOW_TRACKING_TOKEN=${token}\nMLFLOW_TRACKING_URI=http://box:5000\n`,
      ],
    ] as const) {
      const work = join(place, `${which}-tells`);
      const { code, text } = await playbook(which, "tells.playbook.yaml", variables(work), own);
      expect(code, text).toBe(0);
      expect(readFileSync(join(folder, "told"), "utf8")).toBe(told);
      expect(text).not.toContain("canary");
      rmSync(join(folder, "told"));
    }
    rmSync(join(folder, "tells.playbook.yaml"));
  });

  test("without its secret says which variable, and does nothing", async () => {
    await eject("there", "--ansible", "-y");
    const { HF_TOKEN: __, ...without } = env;
    const { status, stdout } = spawnSync(
      join(bins["current"] ?? "", "ansible-playbook"),
      ["-i", "inventory.yaml", "there.playbook.yaml"],
      {
        cwd: folder,
        env: { ...without, LC_ALL: "C.UTF-8" },
        encoding: "utf8",
      },
    );
    expect([status, stdout]).toEqual([2, expect.stringContaining("HF_TOKEN is not set in the environment")]);
  });

  test("is not written over without a yes", async () => {
    const path = join(folder, "mine.yaml");
    writeFileSync(path, "mine\n");
    expect(await eject("there", "--ansible", "--to", "mine.yaml")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("-y") as string,
    });
    if (hasTerminal)
      runOnTerminal(["eject", "there", "--ansible", "--to", "mine.yaml"], folder, [["Write over", "n"]], env);
    expect(readFileSync(path, "utf8")).toBe("mine\n");
    const { stdout } = await eject("there", "--ansible", "--to", "mine.yaml", "-y", "--json");
    expect(JSON.parse(stdout)).toEqual({ job: "there", playbook: path, left_out: [] });
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  test("that is none, and what it should become", async () => {
    expect(await eject("their", "--ansible")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"there"') as string,
    });
    expect(await eject("there")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--ansible") as string,
    });
  });
});

const noPodman = missing ?? findMissingPodman(join(place, "podman"));
if (noPodman !== undefined) console.log(`skipped: ${noPodman}, so no ejected container is built`);

describe.skipIf(noPodman !== undefined)("a job in a container", { timeout: 600_000 }, () => {
  test.runIf(process.env["SESTA_FULL"] === "1")(
    "its image is built by Ansible, and its output is the one of `sesta run`",
    async () => {
      const own = join(place, "container");
      const docker = await startDocker(join(place, "podman"), join(own, "image"));
      const inside = { ...env, ...docker.env };
      try {
        writeFileSync(
          join(own, "sesta.yaml"),
          `name: vision
secrets: { hf_token: { env: HF_TOKEN } }
workloads:
  boxed:
    type: job
    container: { build: image, tag: sesta-eject-test }
    run: 'cat /proc/1/cmdline > /dev/null; echo "$HF_TOKEN is 1 of {{ N }} in $(ls /bin/sh) $EPOCHS"; test "$HOMEDIR" = "$(pwd)"'
    env: { EPOCHS: "3", HF_TOKEN: "\${secret.hf_token}" }
    stdout: output.txt
    fetch: [output.txt]
`,
        );
        const ran = await runCli(["run", "boxed", "-y"], own, inside);
        expect(ran, ran.stderr).toMatchObject({ code: 0 });
        const wanted = readFileSync(join(own, "results/boxed/output.txt"), "utf8");
        expect(wanted).toContain("is 1 of {{ N }} in");
        rmSync(join(own, "results"), { recursive: true });
        spawnSync("podman", ["rmi", "-f", "sesta-eject-test"], { env: inside });
        await runCli(["eject", "boxed", "--ansible", "-y"], own, inside);
        const { status, stdout, stderr } = spawnSync(
          join(bins["current"] ?? "", "ansible-playbook"),
          [
            "boxed.playbook.yaml",
            "-e",
            `work=${join(own, "work")}`,
            "-e",
            "ansible_python_interpreter=/usr/bin/python3",
          ],
          { cwd: own, env: { ...inside, LC_ALL: "C.UTF-8" }, encoding: "utf8" },
        );
        expect(status, `${stdout}${stderr}`).toBe(0);
        expect(readFileSync(join(own, "results/boxed/output.txt"), "utf8")).toBe(wanted);
      } finally {
        docker.end();
      }
    },
  );
});

describe("the golden files", { timeout: 600_000 }, () => {
  const golden = join(root, "test/golden/playbooks");
  const lint = join(place, "lint");
  beforeAll(async () => {
    cpSync(golden, lint, { recursive: true });
    writeFileSync(join(lint, "configure.yaml"), "- name: Configure\n  hosts: all\n  tasks: []\n");
    spawnSync("git", ["init", "--quiet", lint]);
    if (missing !== undefined) return;
    const environment = join(cacheFolder, "ansible", "lint-26.10.1");
    const wanted = {
      python: ">=3.11,<3.15",
      locked: "",
      packages: ["ansible-lint==26.10.1", "ansible"],
      requirements: [],
      compile: false,
    };
    try {
      await makePythonEnvironment(
        { machine, cacheFolder, signal: new AbortController().signal },
        wanted,
        environment,
        () => undefined,
      );
      bins["lint"] = join(environment, "bin");
    } catch (error) {
      console.log(`skipped: ansible-lint cannot be installed (${String(error)})`);
    }
  });

  test.skipIf(missing !== undefined)("pass ansible-lint in its strictest profile", ({ skip }) => {
    const bin = bins["lint"];
    if (bin === undefined) return skip();
    const names = readdirSync(golden).filter((name) => name.startsWith("playbook-"));
    const { status, stdout, stderr } = spawnSync(
      join(bin, "ansible-lint"),
      ["--offline", "--profile", "production", "--nocolor", ...names],
      {
        cwd: lint,
        env: { ...inherited, PATH: [bin, inherited["PATH"]].join(delimiter), LC_ALL: "C.UTF-8" },
        encoding: "utf8",
      },
    );
    expect(status, `${stdout}${stderr}`).toBe(0);
  });

  test.skipIf(missing !== undefined).each(["current", "older"])(
    "the %s Ansible knows each of their steps",
    (which) => {
      const names = readdirSync(golden).filter((one) => one.startsWith("playbook-"));
      expect(names).not.toEqual([]);
      const { status, stdout, stderr } = spawnSync(
        join(bins[which] ?? "", "ansible-playbook"),
        ["--syntax-check", "-i", "a,b,", ...names],
        {
          cwd: lint,
          env: { ...inherited, LC_ALL: "C.UTF-8" },
          encoding: "utf8",
        },
      );
      expect(status, stderr).toBe(0);
      for (const name of names) expect(stdout).toContain(`playbook: ${name}\n`);
    },
  );
});

async function findMissingAnsible(): Promise<string | undefined> {
  if (!existsSync("/usr/bin/python3")) return "/usr/bin/python3 is not here";
  try {
    for (const which of ["current", "older"] as const) {
      const { bin } = await ensureAnsible(
        {
          machine,
          env,
          clock: systemClock,
          cacheFolder,
          folder: place,
          signal: new AbortController().signal,
        },
        which,
        () => undefined,
      );
      bins[which] = bin;
    }
    return undefined;
  } catch (error) {
    return String(error);
  }
}
