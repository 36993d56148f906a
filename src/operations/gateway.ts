// The project's gateway as other verbs see it: found, started in the background, told to look again, ended.
import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, SestaError, systemCode } from "../base/errors.ts";
import { findIdentity, isAlive, type Identity } from "../machine/identity.ts";
import { ask, socketPath } from "../machine/control-socket.ts";
import type { GatewayHello, GatewayMethods } from "../model/gateway-protocol.ts";
import { buildLastingEnv, type Context } from "./context.ts";

const startTimeoutMs = 15_000;
/** It may be on its way to a machine that is away. */
const endTimeoutMs = 15_000;

/** Undefined when none runs. */
export function findGateway(context: Context): Promise<GatewayHello | undefined> {
  return askGateway(context, "hello", {}).catch(undefinedWhenGone);
}

/**
 * Starts the gateway unless it runs; either way it has seen the present project when this returns.
 * @throws SestaError GATEWAY_UNREACHABLE, PORT_TAKEN when the gateway runs and a workload's door cannot be opened
 */
export async function ensureGateway(context: Context): Promise<GatewayHello> {
  const running = await reloadGateway(context);
  if (running) return running;
  const { world, folder } = context;
  const end = await launch(context);
  const began = world.clock.monotonic();
  for (;;) {
    const hello = await findGateway(context);
    if (hello) return isOpen(context, hello) ? hello : ((await reloadGateway(context)) ?? hello);
    if (end.failed || world.clock.monotonic() - began > startTimeoutMs) {
      throw new SestaError(
        "GATEWAY_UNREACHABLE",
        `The gateway did not start${end.failed ? `: ${end.failed}` : ""}`,
        {
          problems: end.failed ? await readLastWords(join(folder, "gateway.log")) : [],
          hint: `Run \`sesta gateway\` to see why, or look at the end of ${join(folder, "gateway.log")}.`,
        },
      );
    }
    await world.clock.sleep(20);
  }
}

/** One that has just started serves even where a door stays shut; asked to look again, it says why. */
function isOpen({ state }: Context, { doors }: GatewayHello): boolean {
  return state.listWorkloads().every(({ name, placedAt }) => placedAt === null || Object.hasOwn(doors, name));
}

/** The error, and what to try, that a gateway printed when it ended at once. */
async function readLastWords(path: string): Promise<string[]> {
  const lines = (await readFile(path, "utf8").catch(() => "")).trimEnd().split("\n");
  const from = lines.findLastIndex((line) => line.startsWith("error: "));
  return from === -1 ? [] : lines.slice(from);
}

export function reloadGateway(context: Context): Promise<GatewayHello | undefined> {
  return askGateway(context, "reload", {}).catch(undefinedWhenGone);
}

/**
 * Its process is gone when this returns: its ports close after its socket, and what it had begun to start would outlive
 * what ends after it.
 */
export async function stopGateway(context: Context): Promise<void> {
  const { clock, pid } = context.world;
  const running = await findGateway(context);
  const identity = running && running.pid !== pid ? await findIdentity(running.pid) : undefined;
  await askGateway(context, "stop", {}).catch(undefinedWhenGone);
  while (await findGateway(context)) await clock.sleep(20);
  if (identity) await untilGone(context, identity);
}

async function untilGone({ world: { clock } }: Context, identity: Identity): Promise<void> {
  const began = clock.monotonic();
  while ((await isAlive(identity)) && clock.monotonic() - began < endTimeoutMs) await clock.sleep(20);
}

/** @throws a system error when no gateway listens */
export function askGateway<M extends keyof GatewayMethods>(
  { folder }: Context,
  method: M,
  params: GatewayMethods[M]["params"],
): Promise<GatewayMethods[M]["result"]> {
  return ask(socketPath(folder, "gateway"), method, params) as Promise<GatewayMethods[M]["result"]>;
}

async function launch({ world, folder, project }: Context): Promise<{ failed?: string }> {
  const end: { failed?: string } = {};
  const log = await open(join(folder, "gateway.log"), "a", 0o600);
  try {
    const [program, ...operands] = world.gatewayCommand;
    const child = spawn(program, [...operands, "-C", project.folder], {
      cwd: project.folder,
      env: buildLastingEnv(world, project),
      detached: true,
      stdio: ["ignore", log.fd, log.fd],
    });
    child.once("error", (error) => (end.failed = messageOf(error)));
    child.once("exit", (code) => (end.failed = `it ended with exit code ${code}`));
    child.unref();
  } finally {
    await log.close();
  }
  return end;
}

function undefinedWhenGone(error: unknown): undefined {
  if (["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(systemCode(error) ?? "")) return undefined;
  throw error;
}
