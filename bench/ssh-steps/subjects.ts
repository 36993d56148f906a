// The ten steps as Sesta, Ansible, pyinfra and a bare script do them, each in a folder of its own on the machine.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { timeCommand, type Box } from "../support/box.ts";
import { makePythonPeer } from "../support/python-peer.ts";
import { buildTable, check } from "./inputs.ts";

export type Subject = {
  name: string;
  /** The machine and this side are as if it had never run. */
  forget(): void;
  /** All ten steps, to the output being here; in ms. */
  all(): Promise<number>;
  /** Steps 1 to 8 alone; undefined where it cannot leave the others out. */
  setUp?: () => Promise<number>;
  /** Where the outputs are then. */
  into: string;
};

export type Inputs = { box: Box; repo: string; factor: number };

const own = import.meta.dirname;

/** @param connection whether it finds the connection of a command before it */
export function sesta({ box }: Inputs, connection: "warm" | "cold"): Subject {
  const ready = () => connection === "cold" && box.disconnect();
  return {
    name: `Sesta, ${connection === "warm" ? "connection there" : "new connection"}`,
    forget: () => box.forget(),
    into: join(box.project, "results", "steps"),
    all() {
      ready();
      return box.sesta(["run", "steps", "-y"]);
    },
    setUp() {
      ready();
      return box.sesta(["up", "steps", "-y"]);
    },
  };
}

/** @param alternate with what its documentation advises: pipelining, and a connection that is kept for longer */
export function ansible(inputs: Inputs, uv: string, form: "default" | "pipelining"): Subject {
  const { box, repo, factor } = inputs;
  const peer = makePythonPeer(uv, ["ansible-core==2.19.14"]);
  const name = `ansible-${form}`;
  const [dest, into] = [join(box.server.home, name), makeInto(box, name)];
  const { server, folder } = box;
  const known = `-o UserKnownHostsFile=${join(folder, "known_hosts")} -o StrictHostKeyChecking=accept-new`;
  writeFileSync(
    join(folder, `${name}.ini`),
    `[all]
box ansible_host=127.0.0.1 ansible_port=${server.port} ansible_user=${userInfo().username} ansible_ssh_private_key_file=${server.key} ansible_python_interpreter=/usr/bin/python3 ansible_ssh_common_args="${known}"
`,
  );
  writeFileSync(join(folder, `${name}.cfg`), "[defaults]\n"); // nobody's own
  const env = {
    ...box.env,
    ANSIBLE_HOME: join(folder, name),
    ANSIBLE_CONFIG: join(folder, `${name}.cfg`),
    ANSIBLE_LOCAL_TEMP: join(folder, name, "tmp"),
    ...(form === "pipelining" && {
      ANSIBLE_PIPELINING: "true",
      ANSIBLE_SSH_ARGS: "-o ControlMaster=auto -o ControlPersist=600s",
    }),
  };
  const values = { dest, repo, factor, into, data: join(box.project, "data") };
  const argv = [
    join(peer, "bin/ansible-playbook"),
    "-i",
    join(folder, `${name}.ini`),
    "-e",
    JSON.stringify(values),
    join(own, "playbook.yaml"),
  ];
  return {
    name: `Ansible, ${form === "default" ? "as it comes" : "pipelining"}`,
    forget: () => clear(dest, into),
    into,
    all: () => timeCommand(argv, { env }),
    setUp: () => timeCommand([...argv, "--skip-tags", "run"], { env }),
  };
}

export function pyinfra(inputs: Inputs, uv: string): Subject {
  const { box, repo, factor } = inputs;
  const peer = makePythonPeer(uv, ["pyinfra==3.10.0"]);
  const [dest, into] = [join(box.server.home, "pyinfra"), makeInto(box, "pyinfra")];
  const { server, folder } = box;
  const values = {
    dest,
    repo,
    factor,
    into,
    data: join(box.project, "data"),
    ssh_known_hosts_file: join(folder, "known_hosts"),
    ssh_strict_host_key_checking: "accept-new",
  };
  const argv = (run: "yes" | "no") => [
    join(peer, "bin/pyinfra"),
    "-y",
    "--ssh-port",
    String(server.port),
    "--ssh-key",
    server.key,
    "--ssh-user",
    userInfo().username,
    ...Object.entries({ ...values, run }).flatMap(([key, value]) => ["--data", `${key}=${value}`]),
    "127.0.0.1",
    join(own, "deploy.py"),
  ];
  return {
    name: "pyinfra",
    forget: () => clear(dest, into),
    into,
    all: () => timeCommand(argv("yes"), { env: box.env, cwd: folder }),
    setUp: () => timeCommand(argv("no"), { env: box.env, cwd: folder }),
  };
}

/** One connection for everything: `ssh host sh -s <steps.sh | tar -x`. */
export function script({ box, repo, factor }: Inputs): Subject {
  const [dest, into] = [join(box.server.home, "script"), makeInto(box, "script")];
  const { server, folder } = box;
  const text = readFileSync(join(own, "steps.sh"), "utf8")
    .replace("@TABLE@", buildTable())
    .replace("@CHECK@", () => check);
  const input = `DEST='${dest}' REPO='${repo}' FACTOR=${factor}\n${text}`;
  const ssh = `ssh -F none -i ${server.key} -p ${server.port} -o IdentitiesOnly=yes -o UserKnownHostsFile=${join(folder, "known_hosts")} -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR ${userInfo().username}@127.0.0.1 sh -s`;
  return {
    name: "bare script",
    forget: () => clear(dest, into),
    into,
    all: () => timeCommand(["bash", "-o", "pipefail", "-c", `${ssh} | tar -xf - -C "$0"`, into], { input }),
  };
}

function makeInto(box: Box, name: string): string {
  const into = join(box.folder, `into-${name}`);
  mkdirSync(into, { recursive: true });
  return into;
}

function clear(dest: string, into: string): void {
  for (const folder of [dest, into]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
}
