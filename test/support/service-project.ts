// A project with one service whose app a test changes and asks, driven through the real command line.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { request } from "node:http";
import { until } from "../faults/support/processes.ts";
import { createJobProject, type JobProject } from "./job-project.ts";
import { freePort, type Ran } from "./scratch-project.ts";
import { root } from "./source-files.ts";

/** As `releases --json` prints it. */
export type ReleaseJson = {
  number: number;
  state: string;
  why: string;
  digest: string;
  commit: string | null;
  at: string;
  log_tail: string[];
};

export type Answer = { status: number; body: string; headers: Record<string, unknown> };
export type Who = { version: string; pid: number };

export type ServiceProject = JobProject & {
  port: number;
  /** Writes app.py as this version that behaves so; see service-app.py. */
  ship(version: string, mode?: string): void;
  /** Writes sesta.yaml with these keys of the service; `start` is how long it may take until it answers. */
  section(keys: string, other?: { port?: number; start?: string }): void;
  deploy(...flags: string[]): Promise<Ran>;
  /** Newest first. */
  releases(): Promise<ReleaseJson[]>;
  ask(path?: string, headers?: Record<string, string>, method?: string): Promise<Answer>;
  /** Which version and process answers. */
  who(path?: string): Promise<Who>;
  /** Processes of the app, of all releases. */
  replicas(): Promise<{ release: number; slot: number; pid: number | null; state: string; why: string }[]>;
};

const app = readFileSync(join(root, "test/support/service-app.py"), "utf8");

/** @param keys lines of YAML of the service, beside its type, command and port */
export async function createServiceProject(
  keys = "replicas: 2",
  variables: NodeJS.ProcessEnv = {},
  top = "",
): Promise<ServiceProject> {
  const port = await freePort();
  const build = (own: string, { port: at = port, start = "10s" }: { port?: number; start?: string } = {}) =>
    `name: svc\n${top}\nworkloads:\n  iris:\n    type: service\n    command: exec python3 app.py\n` +
    `    port: ${at}\n    health: { path: /health, start: ${start}, every: 1s, timeout: 1s, failures: 1 }\n` +
    `${own.replaceAll(/^/gm, "    ")}\n`;
  const project = await createJobProject({ yaml: build(keys), variables });
  const ask: ServiceProject["ask"] = (path = "/", headers = {}, method = "GET") =>
    new Promise((resolve, reject) => {
      const outgoing = request({ port, host: "127.0.0.1", path, headers, method, agent: false }, (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (piece) => (body += piece));
        answer.once("error", reject);
        answer.once("end", () =>
          resolve({ status: answer.statusCode ?? 0, body, headers: { ...answer.headers } }),
        );
      });
      outgoing.once("error", reject);
      outgoing.end();
    });
  return {
    ...project,
    port,
    ship: (version, mode = "") =>
      project.write(
        "app.py",
        app.replace('VERSION = "one"', `VERSION = "${version}"`).replace('MODE = ""', `MODE = "${mode}"`),
      ),
    section: (own, other) => project.write("sesta.yaml", build(own, other)),
    deploy: (...flags) => project.sesta(["deploy", "iris", "-y", ...flags]),
    releases: async () => (await project.json<{ releases: ReleaseJson[] }>(["releases", "iris"])).releases,
    ask,
    async who(path) {
      const { status, body } = await ask(path);
      if (status !== 200) throw new Error(`${status}: ${body}`);
      return JSON.parse(body) as Who;
    },
    replicas: async () => [...((await project.workload("iris")).replicas ?? [])],
  };
}

/** Resolves when this is answered by another process than `pid`. */
export function untilOther(project: ServiceProject, pid: number): Promise<Who> {
  return until(async () => {
    const who = await project.who().catch(() => undefined);
    return who && who.pid !== pid ? who : undefined;
  }, `process ${pid} goes on to answer`);
}
