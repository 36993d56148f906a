// A project with a real gateway and a real agent in front of a stub, each of which a test may kill.
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { hashPassword } from "../../../src/front/password.ts";
import { connectAgent } from "../../../src/machine/local-agent.ts";
import { ask, socketPath } from "../../../src/machine/control-socket.ts";
import type { GatewayHello } from "../../../src/model/gateway-protocol.ts";
import type { Report } from "../../../src/model/status.ts";
import type { State } from "../../../src/model/words.ts";
import { openProjectState } from "../../../src/state/project-state.ts";
import { sestaProgram } from "../../support/published-form.ts";
import { agentCommand } from "./agent-rig.ts";
import { endAll, killHard, listLiving, until } from "./processes.ts";
import { buildStubLaunch } from "./stub-launch.ts";

export type StubProject = Awaited<ReturnType<typeof createStubProject>>;
export type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: string };

export const stubName = "notebook";
const yaml = `name: stubbed
secrets: { team_pass: { file: pass.txt } }
workloads:
  ${stubName}: { type: lab, password: "\${secret.team_pass}", idle: never }
`;

export async function createStubProject(root = tmpdir()) {
  const folder = await mkdtemp(join(root, "sesta-stub-"));
  const sesta = join(folder, ".sesta");
  const workspace = join(folder, stubName);
  let password = "the password of the stub";
  await mkdir(workspace, { recursive: true });
  await writeFile(join(folder, "sesta.yaml"), yaml);
  await writeFile(join(folder, "pass.txt"), password, { mode: 0o600 });

  const launch = buildStubLaunch(stubName, { password: "team_pass", startTimeoutMs: 20_000 });
  const state = openProjectState(join(sesta, "state.db"));
  state.saveWorkload({
    name: stubName,
    type: "lab",
    target: "local",
    launch,
    digest: "stub",
    placedAt: Date.now(),
  });
  state.setPassword("team_pass", await hashPassword(password));
  state.close();
  const agent = connectAgent(
    { home: join(sesta, "agent"), command: agentCommand, env: { ...process.env } },
    systemClock,
  );
  await agent.ensure();
  const places = { environment: sesta, workspace, disk: "kept", sessions: false } as const;
  await agent.call("put", { launch, places });

  const findGateway = () =>
    ask(socketPath(sesta, "gateway"), "hello", {}).catch(() => undefined) as Promise<
      GatewayHello | undefined
    >;
  const gateway = async (): Promise<GatewayHello> => {
    const hello = await findGateway();
    if (!hello) throw new Error("no gateway runs");
    return hello;
  };
  const find = async (): Promise<Report> => {
    const report = (await agent.call("list", {})).find(({ name }) => name === stubName);
    if (!report) throw new Error("the agent does not know the stub");
    return report;
  };
  return {
    folder,
    workspace,
    agent,
    gateway,
    find,
    password: () => password,
    changePassword: async (next: string) => writeFile(join(folder, "pass.txt"), (password = next)),
    tell: (file: "behaviour" | "delay" | "stop-delay", text: string) =>
      writeFile(join(workspace, file), text),
    /** Resolves when it answers. */
    async startGateway(): Promise<GatewayHello> {
      const log = openSync(join(sesta, "gateway.log"), "a");
      const argv = [
        "--disable-warning=ExperimentalWarning",
        sestaProgram,
        "gateway",
        "--background",
        "-C",
        folder,
      ];
      spawn(process.execPath, argv, { stdio: ["ignore", log, log], detached: true }).unref();
      return until(findGateway, "the gateway does not start");
    },
    async killGateway(): Promise<void> {
      await killHard((await gateway()).pid);
    },
    async killAgent(): Promise<number> {
      const { pid } = await agent.call("hello", {});
      await killHard(pid);
      return pid;
    },
    untilState: (...states: State[]): Promise<Report> => {
      let last: Report | undefined;
      return until(
        async () => {
          last = await find().catch(() => undefined);
          return last && states.includes(last.state) ? last : undefined;
        },
        () => `the stub is ${last?.state}, not ${states.join(" or ")}: ${last?.why}`,
      );
    },
    starts: async (): Promise<string[]> => {
      const text = await readFile(join(workspace, "starts"), "utf8").catch(() => "");
      return text === "" ? [] : text.trim().split("\n");
    },
    living: () => listLiving(workspace),
    /** `GET /v1/start` with the password as a header. */
    wakeByAddress: async (method = "GET") =>
      fetchFrom(`${(await gateway()).url}/v1/start`, {
        method,
        headers: { authorization: `Bearer ${password}` },
      }),
    async end(): Promise<void> {
      const running = await findGateway();
      if (running) await killHard(running.pid);
      await endAll(folder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Each on a connection of its own. @throws a system error when nobody answers */
export function fetchFrom(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { method = "GET", headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      let text = "";
      incoming.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      incoming.once("end", () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }),
      );
      incoming.once("error", reject);
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}

/** Logs in at a workload's door; the cookie, as a browser would send it. */
export async function logIn(door: string, password: string): Promise<string> {
  const body = new URLSearchParams({ password, next: "/" }).toString();
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    origin: door,
    "sec-fetch-site": "same-origin",
  };
  const { status, headers: answered } = await fetchFrom(`${door}/_sesta/login`, {
    method: "POST",
    headers,
    body,
  });
  const cookies = answered["set-cookie"];
  if (status !== 303 || !Array.isArray(cookies)) throw new Error(`the login was answered with ${status}`);
  return cookies.map((cookie) => cookie.split(";")[0]).join("; ");
}
