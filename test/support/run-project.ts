// A project whose jobs run on a host over SSH, driven through the real executable: a real sshd with a home of its own.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { endAll, killHard, listLiving, until } from "../faults/support/processes.ts";
import { executable } from "./cli.ts";
import { listMarked } from "./run-rig.ts";
import { startSshServer, type SshServerOptions } from "./ssh-server.ts";

export type RunHost = Awaited<ReturnType<typeof createRunHost>>;
export type RunProject = ReturnType<RunHost["createProject"]>;

export type RunJson = {
  id: string;
  state: string;
  exit_code: number | null;
  why: string | null;
  container: string | null;
  peak_memory_bytes: number | null;
  fetched: { into: string } | null;
  nodes: { state: string; folder: string | null; place: number | null }[];
};

export type Told = { code: number; stdout: Buffer; stderr: string };

/** @param configure how its sshd is run; it gets the scratch folder */
export async function createRunHost(configure: (folder: string) => SshServerOptions = () => ({})) {
  const folder = mkdtempSync(join(tmpdir(), "sesta-host-"));
  let server = await startSshServer(folder, configure(folder));
  let count = 0;
  return {
    folder,
    /** Ends sshd and every connection that it has, as when the machine's network goes. */
    async killServer(): Promise<void> {
      const sessions = listSessions(server.pid);
      for (const pid of [server.pid, ...sessions]) await killHard(pid).catch(() => undefined);
    },
    async restartServer(): Promise<void> {
      server = await server.restart();
    },
    base: join(server.home, ".sesta"),
    /** Their `OUT` is a folder of the project's own on the machine. */
    createProject(
      jobs: Record<string, unknown>,
      { slots, secrets, hosts = 1 }: { slots?: number; secrets?: object; hosts?: number } = {},
    ) {
      count += 1;
      const project = join(folder, `project-${count}`);
      const out = join(folder, `out-${count}`);
      mkdirSync(project);
      mkdirSync(out);
      const box = {
        type: "ssh",
        // Several names are one machine, as those of a cluster are one home folder.
        hosts: Array.from({ length: hosts }, (_, index) => ({
          name: index === 0 ? "box" : `box${index + 1}`,
          host: server.host,
          port: server.port,
          user: userInfo().username,
          key: server.key,
        })),
        ...(slots !== undefined && { slots }),
      };
      const workloads = Object.fromEntries(
        Object.entries(jobs).map(([name, job]) => [
          name,
          { type: "job", ...(job as object), env: { OUT: out, ...(job as { env?: object }).env } },
        ]),
      );
      // JSON is YAML.
      const file = {
        name: `project-${count}`,
        target: "box",
        ...(secrets && { secrets }),
        targets: { box },
        workloads,
      };
      writeFileSync(join(project, "sesta.yaml"), JSON.stringify(file, null, 1));
      return createProjectRig(folder, project, out);
    },
    async end() {
      await endAll(folder);
      for (const pid of listMarked(folder)) await killHard(pid).catch(() => undefined);
      await server.end();
      await endAll(folder);
      spawn("chmod", ["-R", "u+rwX", folder]).once("close", () =>
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
      );
    },
  };
}

function createProjectRig(root: string, folder: string, out: string) {
  const home = join(root, "client-home");
  mkdirSync(home, { recursive: true });
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, NODE_OPTIONS: ____, ...plain } = process.env;
  const start = (argv: readonly string[], env: NodeJS.ProcessEnv = {}, detached = false): Started => {
    const child = spawn(executable, argv, {
      cwd: folder,
      env: { ...plain, HOME: home, SESTA_CACHE: join(tmpdir(), "sesta-test-cache"), ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached,
    });
    const parts: Buffer[] = [];
    let stderr = "";
    child.stdout?.on("data", (part: Buffer) => parts.push(part));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<Told>((resolve) =>
      child.once("close", (code) => resolve({ code: code ?? 128, stdout: Buffer.concat(parts), stderr })),
    );
    return { child, ended, stdout: () => Buffer.concat(parts), stderr: () => stderr };
  };
  const rig = {
    folder,
    out,
    start,
    sesta: (...argv: string[]) => start(argv).ended,
    write(path: string, content: string | Buffer) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    },
    read: (path: string) => readFileSync(join(folder, path)),
    has: (path: string) => existsSync(join(folder, path)),
    /** What programs wrote into `$OUT`. */
    lines: (name: string) =>
      existsSync(join(out, name))
        ? readFileSync(join(out, name), "utf8")
            .split("\n")
            .filter((line) => line !== "")
        : [],
    async runs(): Promise<RunJson[]> {
      const { stdout, stderr } = await rig.sesta("runs", "--json");
      if (stdout.length === 0) throw new Error(stderr);
      return (JSON.parse(stdout.toString()) as { runs: RunJson[] }).runs;
    },
    async untilState(id: string, ...states: string[]): Promise<RunJson> {
      let last: RunJson | undefined;
      return until(
        async () => {
          last = (await rig.runs()).find((run) => run.id === id);
          return last && states.includes(last.state) ? last : undefined;
        },
        () => `${id} is not ${states.join(" or ")}: ${JSON.stringify(last)}`,
      );
    },
    /** The process that keeps the shared connection. */
    masters: () => listLiving("ControlMaster=yes").filter((pid) => commandOf(pid).includes(folder)),
    async killMaster(): Promise<void> {
      for (const pid of rig.masters()) await killHard(pid).catch(() => undefined);
    },
  };
  return rig;
}

export type Started = { child: ChildProcess; ended: Promise<Told>; stdout(): Buffer; stderr(): string };

/** Of sshd alone: what people run below it is not theirs. */
function listSessions(server: number): number[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid=,args="], { encoding: "utf8" });
  const rows = [...stdout.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, args = ""]) => ({
    pid: Number(pid),
    parent: Number(parent),
    args,
  }));
  const below = (pid: number): number[] =>
    rows.flatMap((row) =>
      row.parent === pid && row.args.startsWith("sshd") ? [row.pid, ...below(row.pid)] : [],
    );
  return below(server);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
