// A real agent in a scratch folder, spoken to over its socket, with stub workloads that can be told to misbehave.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../src/base/clock.ts";
import { agentFlags } from "../../../src/cli/world.ts";
import type { AgentConnection } from "../../../src/machine/agent-connection.ts";
import { connectAgent } from "../../../src/machine/local-agent.ts";
import type { MachinePlaces } from "../../../src/model/agent-protocol.ts";
import type { Report } from "../../../src/model/status.ts";
import type { State } from "../../../src/model/words.ts";
import { agentProgram } from "../../support/published-form.ts";
import { endAll, killHard, listLiving, until } from "./processes.ts";
import { buildStubLaunch, type StubOptions } from "./stub-launch.ts";

export const agentCommand = [
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  ...agentFlags,
  agentProgram,
] as const;

export type PutOptions = StubOptions & { disk?: MachinePlaces["disk"] };
export type AgentRig = Awaited<ReturnType<typeof createAgentRig>>;

export async function createAgentRig(root = mkdtempSync(join(tmpdir(), "sesta-rig-"))) {
  const home = join(root, "agent");
  const environment = join(root, "environment");
  mkdirSync(environment, { recursive: true });
  const agent: AgentConnection = connectAgent(
    { home, command: agentCommand, env: { ...process.env } },
    systemClock,
  );
  const workspaceOf = (name: string) => join(root, "workspaces", name);
  const find = async (name: string): Promise<Report> => {
    const report = (await agent.call("list", {})).find((one) => one.name === name);
    if (!report) throw new Error(`the agent does not know ${name}`);
    return report;
  };
  await agent.ensure();
  return {
    root,
    home,
    agent,
    workspaceOf,
    find,
    /** Registers a stub that behaves as these words say; see stub-server.mjs. */
    async put(name: string, behaviour = "", { disk = "kept", ...options }: PutOptions = {}): Promise<void> {
      const workspace = workspaceOf(name);
      mkdirSync(workspace, { recursive: true });
      writeFileSync(join(workspace, "behaviour"), behaviour);
      const places = { environment, workspace, disk, sessions: false };
      await agent.call("put", { launch: buildStubLaunch(name, options), places });
    },
    tell: (name: string, file: "behaviour" | "delay" | "stop-delay", text: string) =>
      writeFileSync(join(workspaceOf(name), file), text),
    wake: (name: string) => agent.call("wake", { name, why: "A test wakes it.", by: "owner" }),
    sleep: (name: string) => agent.call("sleep", { name, why: "A test sends it to sleep.", by: "owner" }),
    untilState: (name: string, ...states: State[]): Promise<Report> => {
      let last: Report | undefined;
      return until(
        async () => {
          last = await find(name).catch(() => undefined);
          return last && states.includes(last.state) ? last : undefined;
        },
        () => `${name} is ${last?.state}, not ${states.join(" or ")}: ${last?.why}`,
      );
    },
    /** One line for each process that was started: its id and port. */
    starts: (name: string): string[] => {
      const path = join(workspaceOf(name), "starts");
      return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
    },
    /** Processes of this stub that live, its kernels among them. */
    living: (name: string): number[] => listLiving(workspaceOf(name)),
    read: (name: string, file: string) => readFileSync(join(workspaceOf(name), file), "utf8"),
    pid: async () => (await agent.call("hello", {})).pid,
    async kill(): Promise<void> {
      const hello = await agent.findHello();
      if (hello) await killHard(hello.pid);
    },
    async end(): Promise<void> {
      await agent.ensure().catch(() => undefined);
      for (const { name } of await agent.call("list", {}).catch(() => [])) {
        await agent.call("sleep", { name, why: "The test ends.", by: "owner" }).catch(() => undefined);
      }
      const quiet = async () =>
        (await agent.call("list", {})).every(({ state }) => state === "asleep" || state === "failed");
      await until(() => quiet().catch(() => true), "the stubs do not end");
      await endAll(root);
      rmSync(root, { recursive: true, force: true });
    },
  };
}
