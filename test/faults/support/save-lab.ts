// A real lab that is saved to a real remote: notebooks saved through Jupyter itself, and what became of them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { confirmedRef, workRef } from "../../../src/commands/git.ts";
import { connectAgent } from "../../../src/machine/local-agent.ts";
import type { SaveReport } from "../../../src/model/save.ts";
import type { Report } from "../../../src/model/status.ts";
import type { Explanation } from "../../../src/operations/why.ts";
import { createGitRemote, type RemoteKind } from "../../support/git-remote.ts";
import { openKernelTab } from "../../support/lab-tab.ts";
import { createScratchProject } from "../../support/scratch-project.ts";
import { agentCommand } from "./agent-rig.ts";
import { endAll, killHard, listLiving, until } from "./processes.ts";
import { fetchFrom, logIn, type Answer } from "./stub-project.ts";

export type SaveLab = Awaited<ReturnType<typeof createSaveLab>>;

export type SaveLabOptions = {
  kind: RemoteKind;
  /** What the remote holds before the project is there. */
  seed?: Record<string, string>;
  idle?: string;
  /** Before the project is brought up. */
  prepare?: (folder: string) => void;
};

const name = "notebook";
const maxBuffer = 256 * 1024 * 1024;
export const firstToken = "the-first-token-canary";

/** Up and awake, everything saved. */
export async function createSaveLab({ kind, seed, idle = "never", prepare }: SaveLabOptions) {
  const root = mkdtempSync(join(tmpdir(), "sesta-save-lab-"));
  const remote = await createGitRemote(kind, root, ...(kind === "http" ? [firstToken] : []));
  if (seed) remote.pushElsewhere("main", seed);
  const yaml = (idleNow: string) => `name: save-lab
secrets: { team_pass: { env: TEAM_PASS }, git_token: { file: token.txt } }
workloads:
  ${name}:
    type: lab
    password: "\${secret.team_pass}"
    idle: ${idleNow}
    save: { repo: "${remote.url}", every: 2s${kind === "http" ? ', token: "${secret.git_token}"' : ""} }
`;
  const project = await createScratchProject(yaml(idle));
  const token = (value: string) => writeFileSync(join(project.folder, "token.txt"), value, { mode: 0o600 });
  token(firstToken);
  prepare?.(project.folder);
  const home = join(project.folder, ".sesta", "agent");
  const workspace = join(project.folder, name);
  const gitFolder = join(home, "saves", name, "git");
  const connect = (env: NodeJS.ProcessEnv = {}) =>
    connectAgent({ home, command: agentCommand, env: { ...process.env, ...env } }, systemClock);
  const agent = connect();

  const succeed = async (...argv: string[]) => {
    const ran = await project.sesta(argv);
    if (ran.code !== 0) throw new Error(`sesta ${argv.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };
  const report = async (): Promise<Report> => {
    const found = (await agent.call("list", {})).find((one) => one.name === name);
    if (!found) throw new Error("the agent does not know the lab");
    return found;
  };
  const untilReport = (fits: (report: Report) => boolean, what: string): Promise<Report> => {
    let last: Report | undefined;
    const look = async () => {
      last = await report().catch(() => undefined); // it may be on its way up
      return last && fits(last) ? last : undefined;
    };
    return until(look, () => `${what}: ${JSON.stringify(last)}`);
  };
  const ask = async (path: string, method = "GET", body?: object): Promise<Answer> => {
    const address = await agent.call("door", { name });
    if (!address) throw new Error("the lab is not awake");
    return fetchFrom(`http://${address.host}:${address.port}${path}`, {
      method,
      headers: address.headers,
      ...(body && { body: JSON.stringify(body) }),
    });
  };
  const put = async (path: string, text: string): Promise<number> =>
    (await ask(`/api/contents/${path}`, "PUT", buildModel(text))).status;
  const git = (...operands: string[]) => {
    const { status, stdout } = spawnSync("git", [`--git-dir=${gitFolder}`, ...operands], { maxBuffer });
    return status === 0 ? stdout : undefined;
  };
  const here = (path: string) => git("show", `${workRef}:${path}`)?.toString();
  const there = (path: string, branch = "main") => {
    const ran = spawnSync("git", ["-C", remote.folder, "show", `${branch}:${path}`], { maxBuffer });
    return ran.status === 0 ? ran.stdout.toString() : undefined;
  };
  const onDisk = (path: string) => readFileSync(join(workspace, path), "utf8");
  const saveOf = async () => (await report()).save;

  const end = async (): Promise<void> => {
    await project.sesta(["sleep", name]);
    await project.end();
    await endAll(project.folder);
    await remote.stop();
    rmSync(root, { recursive: true, force: true });
  };
  try {
    await succeed("up", "-y", "--wake");
    await project.until(name, ({ state }) => state === "awake");
  } catch (error) {
    await end();
    throw error;
  }

  return {
    name,
    project,
    remote,
    home,
    workspace,
    gitFolder,
    agent,
    ask,
    /** Saves a notebook through Jupyter, as a page does. @returns the HTTP status */
    put,
    onDisk,
    here,
    there,
    report,
    untilReport,
    /** It must go well. @returns stdout */
    succeed,
    token,
    /** Saves notebooks through Jupyter, which must say yes. */
    async save(...paths: string[]): Promise<void> {
      for (const path of paths) expect([200, 201]).toContain(await put(path, `saved ${performance.now()}`));
    },
    /** What is on disk is in the newest save of this machine, byte for byte. */
    async untilHere(...paths: string[]): Promise<void> {
      for (const path of paths)
        await until(
          () => here(path) === onDisk(path),
          () => `${path} is not saved here: ${here(path)?.slice(0, 200)}`,
        );
    },
    /** The same at the remote, and the agent knows it. */
    async untilThere(...paths: string[]): Promise<void> {
      for (const path of paths)
        await until(
          async () => there(path, (await saveOf())?.branch ?? "main") === onDisk(path),
          `${path} is not at the remote`,
        );
      await untilReport(({ save }) => save?.owedSince === null && save.problem === null, "something is owed");
    },
    untilSave: (fits: (save: SaveReport) => boolean, what: string) =>
      untilReport(({ save }) => save !== null && fits(save), what),
    work: () => git("rev-parse", workRef)?.toString().trim(),
    confirmed: () => git("rev-parse", confirmedRef)?.toString().trim(),
    /** Every object and every save is whole. */
    expectSound: () => expect(git("fsck", "--full", "--strict", "--no-dangling", workRef)).toBeDefined(),
    /** Every content that a file had in any save, oldest first, as the size of each. */
    sizesOf: (path: string): number[] => {
      const commits = git("rev-list", "--reverse", workRef, "--", path)?.toString().trim().split("\n") ?? [];
      return commits.map((commit) => Number(git("cat-file", "-s", `${commit}:${path}`)?.toString() ?? NaN));
    },
    why: async () => JSON.parse(await succeed("why", name, "--json")) as Explanation,
    /** `sesta.yaml` with another idle time, brought up. */
    async setIdle(text: string): Promise<void> {
      writeFileSync(join(project.folder, "sesta.yaml"), yaml(text));
      await succeed("up", "-y");
    },
    async killAgent(): Promise<void> {
      const hello = await agent.findHello();
      if (hello) await killHard(hello.pid).catch(() => undefined);
    },
    /** An agent with these variables runs, whoever else would start one. */
    async replaceAgent(env: NodeJS.ProcessEnv): Promise<void> {
      const mark = Object.entries(env)[0]?.join("=") ?? "";
      await until(async () => {
        const hello = await agent.findHello();
        if (hello && readFileSync(`/proc/${hello.pid}/environ`, "utf8").split("\0").includes(mark))
          return true;
        if (hello) await killHard(hello.pid);
        await connect(env).ensure();
        return false;
      }, "another agent takes its place");
    },
    async startKernel() {
      const { id } = JSON.parse((await ask("/api/kernels", "POST", {})).body) as { id: string };
      const pid = await until(() => listLiving(`kernel-${id}.json`)[0], "the kernel does not start");
      const address = await agent.call("door", { name });
      const token = address?.headers["authorization"]?.replace(/^token /, "") ?? "";
      const tab = await openKernelTab({ port: address?.port ?? 0, token }, id);
      return {
        id,
        pid,
        /** Resolves when the cell has ended. */
        run: async (cell: string) => void (await tab.answer(tab.execute(cell), "execute_reply")),
        drop: tab.drop,
      };
    },
    /** What a browser that has logged in asks of the lab's own address. */
    async visitor() {
      const door = (await project.workload(name)).url ?? "";
      const cookie = await logIn(door, project.password);
      const site = { cookie, origin: door, "sec-fetch-site": "same-origin" };
      return {
        open: () =>
          fetchFrom(`${door}/lab`, {
            headers: {
              ...site,
              accept: "text/html",
              "sec-fetch-mode": "navigate",
              "sec-fetch-dest": "document",
            },
          }),
        put: (path: string, text: string) =>
          fetchFrom(`${door}/api/contents/${path}`, {
            method: "PUT",
            headers: { ...site, "content-type": "application/json" },
            body: JSON.stringify(buildModel(text)),
          }),
      };
    },
    /** Resolves with the first report of this kind that the agent tells. */
    async untilTold(fits: (report: Report) => boolean): Promise<Report> {
      const done = new AbortController();
      for await (const event of agent.watch(0, done.signal)) {
        if (!("report" in event) || !fits(event.report)) continue;
        done.abort();
        return event.report;
      }
      throw new Error("the agent went away");
    },
    end,
  };
}

/** A notebook as JupyterLab sends it: one cell that says `text`. */
function buildModel(text: string) {
  const cell = { cell_type: "markdown", id: "cell", metadata: {}, source: text };
  return {
    type: "notebook",
    format: "json",
    content: { cells: [cell], metadata: {}, nbformat: 4, nbformat_minor: 5 },
  };
}
