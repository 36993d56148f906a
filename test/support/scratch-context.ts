// An operation's context on a project in a scratch folder, without the command line around it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { openContext, type Context } from "../../src/operations/context.ts";
import { bundleAgent } from "../../scripts/bundle-agent.ts";
import { endAll } from "../faults/support/processes.ts";
import { agentProgram, sestaProgram } from "./published-form.ts";
import { modelServerSource, acmeClientSource } from "./program-sources.ts";

export type ScratchContext = {
  folder: string;
  context: Context;
  /** The same project as another command sees it, with this file and this environment. */
  reopen(yaml?: string, env?: NodeJS.ProcessEnv): Promise<Context>;
  end(): Promise<void>;
};

export async function createScratchContext(
  yaml: string,
  env: NodeJS.ProcessEnv = {},
): Promise<ScratchContext> {
  const folder = await mkdtemp(join(tmpdir(), "sesta-context-"));
  const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
  const node = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;
  const opened: Context[] = [];
  const reopen = async (text = yaml, more: NodeJS.ProcessEnv = env) => {
    await writeFile(join(folder, "sesta.yaml"), text);
    const context = await openContext(
      {
        clock: systemClock,
        env: { ...inherited, ...more },
        pid: process.pid,
        cacheFolder: join(tmpdir(), "sesta-test-cache"),
        agentCommand: node,
        agentProgram: agentProgram,
        gatewayCommand: [...node, sestaProgram, "gateway", "--background"],
        modelServer: modelServerSource,
        acmeClient: acmeClientSource,
        loadAgent: bundleAgent,
        agentFlags: () => [],
        signal: new AbortController().signal,
      },
      folder,
    );
    opened.push(context);
    return context;
  };
  const context = await reopen();
  return {
    folder,
    context,
    reopen,
    async end() {
      const { agent } = context.targets.get("local");
      if (await agent.findHello()) await agent.call("stop", {});
      for (const { state } of opened) state.close();
      await endAll(folder); // what its agent supervised goes on without it
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}
