// A team's own playbook, run by the real Ansible on a machine behind a real sshd.
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../src/base/clock.ts";
import { SestaError } from "../src/base/errors.ts";
import { redact } from "../src/base/redact.ts";
import type { PlaybookEvent } from "../src/commands/ansible-lines.ts";
import { createLocalMachine } from "../src/machine/local.ts";
import { runPlaybook, type PlaybookRequest } from "../src/operations/playbook.ts";
import { ensureAnsible } from "../src/operations/playbook/ensure-ansible.ts";
import type { PlaybookPlace } from "../src/operations/playbook/place.ts";
import { until } from "./faults/support/processes.ts";
import { findMissingSshd, startSshServer, type SshServer } from "./support/ssh-server.ts";

const place = mkdtempSync(join(tmpdir(), "sesta-playbook-"));
const { PYTHONDONTWRITEBYTECODE: _, ...env } = process.env;
const world: Omit<PlaybookPlace, "folder" | "signal"> = {
  machine: createLocalMachine(env),
  env,
  clock: systemClock,
  cacheFolder: join(tmpdir(), "sesta-test-cache"),
};
const missing = findMissingSshd() ?? (await findMissingAnsible());
if (missing !== undefined) console.log(`skipped: ${missing}, so no playbook runs`);

let server: SshServer | undefined;
let port = 0;
beforeAll(async () => {
  if (missing !== undefined) return;
  server = await startSshServer(place);
  port = Number(/^Port (\d+)$/m.exec(readFileSync(join(place, "sshd_config"), "utf8"))?.[1]);
  const repository = join(place, "dcgan.git");
  const sources = join(place, "sources");
  mkdirSync(sources);
  writeFileSync(join(sources, "train.sh"), 'echo "epoch 1 of 1"\nsleep 3\necho "loss 0.5"\n');
  const git = (...operands: string[]) =>
    execFileSync("git", ["-C", sources, "-c", "user.name=a", "-c", "user.email=a@b", ...operands], {
      stdio: "ignore",
    });
  git("init", "-b", "main");
  git("add", ".");
  git("commit", "-m", "one");
  execFileSync("git", ["clone", "--quiet", "--bare", sources, repository]);
});
afterAll(async () => {
  await server?.end();
  rmSync(place, { recursive: true, force: true });
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(place, "seed-"));
});
afterEach(() => rmSync(join(place, "home", "dcgan"), { recursive: true, force: true }));

/** The layout of a course's repository, with what its students fill in. */
function writeLayout(tasks: string, vars = ""): void {
  // Facts take as long as all the rest of a small playbook; the training needs them.
  const facts = tasks === training ? "" : "  gather_facts: false\n";
  const files = {
    "configure.yaml": `- hosts: all\n${facts}  tasks:\n${tasks.replace(/^/gm, "    ")}\n`,
    "inventory.yaml": `all:\n  hosts:\n    maquina:\n      ansible_host: 127.0.0.1\n      ansible_port: ${port}\n      ansible_user: ${userInfo().username}\n      ansible_async_dir: ${join(place, "async")}\n${vars.replace(/^(?=.)/gm, "      ")}`,
    "vars.sh": `# not for git\nCONTAINER_CMD="docker"\nAWS_ACCESS_KEY_ID="AKIACANARY7Q"   # yours\nAWS_SECRET_ACCESS_KEY="canary-secret-83hf"\nAWS_REGION="us-east-1"\nWORK_DIR="$(realpath $(pwd))"\nKEYPAIR_PEM_FILE="$WORK_DIR/key.pem"\nANSIBLE_PRIVATE_KEY_FILE=$KEYPAIR_PEM_FILE# an alias, and a comment that is none\nANSIBLE_HOST_KEY_CHECKING=0\nANSIBLE_SSH_COMMON_ARGS="-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  copyFileSync(join(place, "key"), join(folder, "key.pem"));
  chmodSync(join(folder, "key.pem"), 0o644);
}

async function run(more: Partial<PlaybookRequest> = {}, signal = new AbortController().signal) {
  const events: PlaybookEvent[] = [];
  const notices: string[] = [];
  const done = await runPlaybook(
    { ...world, folder: join(folder, ".sesta"), signal },
    {
      playbook: join(folder, "configure.yaml"),
      inventory: join(folder, "inventory.yaml"),
      hosts: [],
      groups: [],
      extraEnv: {},
      acceptNewKeys: true,
      ...more,
    },
    {
      onEvent: (event) => events.push(event),
      onNotice: (text) => notices.push(text),
      detail: () => undefined,
    },
  ).catch((error: unknown) => error);
  return { done, events, notices };
}

const training = `
- name: Clone the program
  ansible.builtin.git: { repo: '${join(place, "dcgan.git")}', dest: ~/dcgan, version: main }
- name: Run it for one epoch
  shell: sh train.sh >> output.txt
  args: { chdir: ~/dcgan }
  async: 600
  poll: 1
- name: Bring the output home
  fetch: { src: "{{ ansible_facts['env']['HOME'] }}/dcgan/output.txt", dest: resultados/, flat: true }
- name: The keys are there
  debug: { msg: "{{ lookup('env', 'AWS_ACCESS_KEY_ID') }} in {{ lookup('env', 'AWS_REGION') }}" }
`;

describe.skipIf(missing !== undefined)("the layout of a course", { timeout: 300_000 }, () => {
  test("runs unchanged: keys, variables, a program that takes its time, its output at home", async () => {
    writeLayout(training);
    execFileSync("git", ["init", "--quiet", folder]);
    const { done, events, notices } = await run();
    expect(done).toMatchObject({ ansible: "current" });
    expect(readFileSync(join(folder, "resultados", "output.txt"), "utf8")).toBe("epoch 1 of 1\nloss 0.5\n");
    const tasks = events.flatMap((event) => (event.kind === "task" ? [event.task] : []));
    expect(tasks).toEqual([
      "Gathering Facts",
      "Clone the program",
      "Run it for one epoch",
      "Bring the output home",
      "The keys are there",
    ]);
    const results = events.flatMap((event) =>
      event.kind === "result" ? [`${event.host} ${event.state}`] : [],
    );
    expect(results).toEqual([
      "maquina ok",
      "maquina changed",
      "maquina changed",
      "maquina changed",
      "maquina ok",
    ]);
    expect(events.some(({ kind }) => kind === "waiting")).toBe(true);
    // What `vars.sh` set reached the playbook, and its secrets reach nobody's screen.
    expect(events.findLast((event) => event.kind === "result")).toMatchObject({
      message: "[redacted] in us-east-1",
    });
    expect(redact("canary-secret-83hf")).toBe("[redacted]");
    expect(statSync(join(folder, "key.pem")).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, ".gitignore"), "utf8")).toBe("/vars.sh\n/key.pem\n");
    expect(notices).toEqual([
      "key.pem could be read by others: its mode is 0600 now",
      "vars.sh and key.pem went into .gitignore, to stay out of commits",
    ]);
    expect((await run()).notices).toEqual([]);
  });

  test("a vars.sh that git has as a template: what is changed in it stays out of commits", async () => {
    writeLayout("- ansible.builtin.ping:");
    const git = (...operands: string[]) =>
      spawnSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", ...operands], {
        encoding: "utf8",
      }).stdout;
    git("init", "--quiet");
    git("add", "vars.sh");
    git("commit", "-m", "one");
    expect((await run()).notices).toContainEqual(expect.stringContaining("vars.sh is in git already"));
    writeFileSync(join(folder, "vars.sh"), "AWS_SECRET_ACCESS_KEY=another\n");
    git("commit", "-a", "-m", "two");
    expect(git("show", "HEAD:vars.sh")).not.toContain("another");
    expect((await run()).notices).toEqual([]);
  });

  test("an inventory written for a container that the folder was mounted in finds its key", async () => {
    writeLayout("- ansible.builtin.ping:", "ansible_ssh_private_key_file: /mnt/course/key.pem\n");
    expect((await run()).done).toMatchObject({ ansible: "current" });
  });
});

describe.skipIf(missing !== undefined)("what goes wrong", { timeout: 300_000 }, () => {
  test("a task fails: its host, its name, what the program said, and one thing to do", async () => {
    writeLayout('- name: Train\n  shell: "echo begun; echo out of memory >&2; exit 3"');
    expect((await run()).done).toMatchObject({
      code: "PLAYBOOK_FAILED",
      where: 'maquina, task "Train"',
      message: "exit code 3: out of memory",
      hint: expect.stringContaining("configure.yaml") as string,
    });
  });

  test("names of anybody's: no line break and no escape reaches a terminal, no template is filled in twice", async () => {
    const name = "a\\n\\e[31mb\\u202e {{ '{{ 1 }}' }} '\\\"$(id)";
    writeLayout(`- name: "${name}"\n  ansible.builtin.fail: { msg: "no\\n\\e]0;x\\ahope" }`);
    const { done, events } = await run();
    const texts = JSON.stringify([done, (done as SestaError).message, (done as SestaError).where, events]);
    expect(texts).not.toMatch(/\\n|\\u001b|\\u0007|\\u202e|\u202e/);
    expect(done).toMatchObject({
      code: "PLAYBOOK_FAILED",
      where: expect.stringContaining("$(id)") as string,
    });
  });

  test("a loop names the item, an ignored failure ends nothing", async () => {
    writeLayout(
      '- shell: "exit 1"\n  ignore_errors: true\n- name: Each\n  shell: "test {{ item }} != b"\n  loop: [a, b]',
    );
    const { done, events } = await run();
    expect(done).toMatchObject({
      where: 'maquina, task "Each"',
      message: expect.stringContaining("b: ") as string,
    });
    expect(events).toContainEqual(
      expect.objectContaining({ kind: "result", state: "failed", ignored: true }),
    );
  });

  test("a playbook that is none: Ansible's own words", async () => {
    writeLayout("- no.such.module: {}");
    const { done } = await run();
    expect(done).toMatchObject({ code: "PLAYBOOK_FAILED", where: join(folder, "configure.yaml") });
    expect((done as SestaError).problems.join("\n")).toContain("no.such.module");
  });

  test("no machine of the inventory is meant", async () => {
    writeLayout("- ansible.builtin.ping:");
    writeFileSync(join(folder, "configure.yaml"), "- name: Web\n  hosts: webservers\n  tasks: [{ ping: }]\n");
    expect((await run()).done).toMatchObject({
      code: "PLAYBOOK_FAILED",
      message: expect.stringContaining('play "Web"') as string,
    });
  });

  test.each([
    ["nobody listens", "ansible_port: 1\n", "SSH_CONNECTION", /could not be reached/],
    ["the user is another", "ansible_user: nobody-here\n", "SSH_CONNECTION", /Permission denied/],
    ["a blank was not filled in", "ansible_host: XXXXX\n", "PLAYBOOK_FAILED", /still XXXXX/],
  ])("%s", async (_what, vars, code, message) => {
    writeLayout("- ansible.builtin.ping:");
    const path = join(folder, "inventory.yaml");
    const key = vars.split(":")[0] ?? "";
    writeFileSync(path, readFileSync(path, "utf8").replace(new RegExp(`${key}: .*\n`), vars));
    expect((await run()).done).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test("an inventory that cannot be read", async () => {
    writeLayout("- ansible.builtin.ping:");
    writeFileSync(join(folder, "inventory.yaml"), "all: [\n");
    expect((await run()).done).toMatchObject({
      code: "PLAYBOOK_FAILED",
      message: "Ansible cannot read the inventory",
    });
  });

  test("a host that was not confirmed stays out; one that shows another key is refused, whatever vars.sh says", async () => {
    writeLayout("- ansible.builtin.ping:");
    expect((await run({ acceptNewKeys: false })).done).toMatchObject({
      code: "HOST_KEY_UNKNOWN",
      where: "maquina",
    });
    expect((await run()).done).toMatchObject({ ansible: "current" });
    const pinned = join(folder, ".sesta", "known_hosts");
    const other = readFileSync(join(place, "key.pub"), "utf8").split(" ")[1] ?? "";
    writeFileSync(pinned, `[127.0.0.1]:${port} ssh-ed25519 ${other}\n`);
    expect((await run()).done).toMatchObject({ code: "HOST_KEY_CHANGED", where: "maquina" });
    const config = "[ssh_connection]\nssh_args = -o StrictHostKeyChecking=no\n  -o HostKeyAlias=elsewhere\n";
    writeFileSync(join(folder, "ansible.cfg"), config);
    expect((await run()).done).toMatchObject({ ansible: "current" });
    expect(spawnSync("ssh-keygen", ["-F", "elsewhere", "-f", pinned]).status).toBe(0);
  });

  test("Ctrl-C ends Ansible and what it started here", async () => {
    const begun = join(folder, "begun");
    writeLayout(`- name: Wait\n  shell: "touch '${begun}'; sleep 25"`);
    const stop = new AbortController();
    const began = performance.now();
    const ended = run({}, stop.signal);
    await until(() => existsSync(begun), "its program does not begin");
    stop.abort(new SestaError("INTERRUPTED", "Stopped"));
    expect((await ended).done).toMatchObject({ code: "INTERRUPTED" });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(spawnSync("pgrep", ["-f", join(folder, "configure.yaml")], { encoding: "utf8" }).stdout).toBe("");
  });
});

describe.skipIf(missing !== undefined)("the project's own hosts", { timeout: 300_000 }, () => {
  const pin = () => {
    mkdirSync(join(folder, ".sesta"));
    const key = readFileSync(join(place, "host-key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
    writeFileSync(join(folder, ".sesta", "known_hosts"), `box ${key}\n`);
  };
  const host = () => ({
    name: "box",
    host: "127.0.0.1",
    port,
    user: userInfo().username,
    keyFile: join(place, "key"),
  });
  const request = () => ({ inventory: undefined, hosts: [host()], groups: ["training"] });

  test("are the inventory where none is given, by their pinned names, in a group of the target", async () => {
    writeLayout("- ansible.builtin.ping:");
    writeFileSync(join(folder, "configure.yaml"), "- hosts: training\n  tasks: [{ ping: }]\n");
    expect((await run(request())).done).toMatchObject({ code: "HOST_KEY_UNKNOWN", where: "box" });
    rmSync(join(folder, ".sesta"), { recursive: true });
    pin();
    const { done, events } = await run({ ...request(), acceptNewKeys: false });
    expect(done).toMatchObject({ ansible: "current" });
    expect(events).toContainEqual(expect.objectContaining({ kind: "result", host: "box", state: "ok" }));
  });

  test("this machine, without ssh", async () => {
    writeLayout(`- copy: { content: here, dest: '${join(folder, "made")}' }`);
    expect((await run({ inventory: undefined, hosts: "local" })).done).toMatchObject({ changed: 1 });
    expect(readFileSync(join(folder, "made"), "utf8")).toBe("here");
  });
});

const python38 = [
  "/usr/bin/python3.8",
  join(process.env["PYENV_ROOT"] ?? join(userInfo().homedir, ".pyenv"), "versions/3.8.18/bin/python3.8"),
].find((path) => existsSync(path));
if (python38 === undefined)
  console.log("skipped: no Python 3.8 here, so no playbook runs on a machine with one");

describe.skipIf(missing !== undefined || python38 === undefined)(
  "a machine with Python 3.8",
  { timeout: 300_000 },
  () => {
    test("is asked beforehand, and managed by the older Ansible", async () => {
      writeLayout(training, `ansible_python_interpreter: ${python38}\n`);
      const { done } = await run();
      expect(done).toMatchObject({ ansible: "older" });
      expect(readFileSync(join(folder, "resultados", "output.txt"), "utf8")).toBe("epoch 1 of 1\nloss 0.5\n");
    });
  },
);

async function findMissingAnsible(): Promise<string | undefined> {
  const given = { ...world, folder: place, signal: new AbortController().signal };
  try {
    for (const which of ["current", "older"] as const) await ensureAnsible(given, which, () => undefined);
    return undefined;
  } catch (error) {
    return error instanceof SestaError ? `${error.message} ${error.problems.join(" ")}` : String(error);
  }
}
