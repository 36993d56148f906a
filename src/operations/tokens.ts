// Brings the tokens of repositories, and the passphrases of backups, from their secrets to the agent, which keeps them in memory only.
import { SestaError } from "../base/errors.ts";
import { findSecret } from "../model/project.ts";
import type { Launch } from "../model/launch.ts";
import type { SecretRef } from "../model/secret.ts";
import { resolveSecret } from "../project/secret.ts";
import type { Context } from "./context.ts";
import { askGateway } from "./gateway.ts";
import { secretContext } from "./passwords.ts";

export type TokenProblem = { workload: string; error: unknown };

/**
 * Hands over what can be had; a variable that is not set in this environment is no problem, since another process
 * may have it.
 * @param names of workloads; all that are up without it
 * @returns what could not be had, or not be handed over
 */
export async function supplyTokens(context: Context, names?: readonly string[]): Promise<TokenProblem[]> {
  const problems: TokenProblem[] = [];
  for (const { workload, secret, ref } of listTokens(context, names)) {
    if ("env" in ref && !context.world.env[ref.env]) continue;
    await supply(context, workload, secret, ref).catch((error: unknown) => {
      problems.push({ workload, error });
    });
  }
  return problems;
}

/** @throws SestaError SECRET_MISSING, SECRET_COMMAND, AGENT_UNREACHABLE */
export async function supplyToken(context: Context, name: string): Promise<void> {
  for (const { workload, secret, ref } of listTokens(context, [name]))
    await supply(context, workload, secret, ref);
}

/**
 * Tells the gateway, where one runs, what only this process's environment holds, so that it can give it to an agent
 * that was started again. Not for the gateway itself.
 */
export async function shareTokens(context: Context, names?: readonly string[]): Promise<void> {
  const { env } = context.world;
  for (const { secret, ref } of listTokens(context, names)) {
    if (!("env" in ref) || !env[ref.env]) continue;
    const value = await resolveSecret(secret, ref, secretContext(context));
    // Only a convenience: without a gateway, or with an older one, the next verb gives it to the agent.
    await askGateway(context, "token", { secret, value }).catch(() => undefined);
  }
}

/** Those of workloads that an agent has not been told yet; what cannot be had now is left for later. */
export async function supplyMissingTokens(context: Context, names?: readonly string[]): Promise<void> {
  const withToken = listTokens(context, names).map(({ workload }) => workload);
  if (withToken.length === 0) return;
  await shareTokens(context, names);
  const missing: string[] = [];
  for (const { agent } of new Set(withToken.map((name) => context.targets.of(name)))) {
    await agent.ensure();
    for (const { name, save, backup } of await agent.call("list", {}))
      if (save?.needsToken || backup?.needsPassphrase) missing.push(name);
  }
  await supplyTokens(
    context,
    missing.filter((name) => withToken.includes(name)),
  );
}

function listTokens({ state, project }: Context, names?: readonly string[]) {
  return state.listWorkloads().flatMap(({ name, launch, placedAt }) => {
    if (placedAt === null || names?.includes(name) === false) return [];
    return listAgentSecrets(launch).flatMap((secret) => {
      const ref = findSecret(project, secret);
      return ref ? [{ workload: name, secret, ref }] : []; // gone from the file: the agent keeps what it knows
    });
  });
}

/** The secrets of a workload that its agent keeps in memory: none has both. */
export function listAgentSecrets({ save, backup }: Launch): string[] {
  return [save?.token, backup?.passphrase].filter((secret) => secret !== undefined);
}

async function supply(context: Context, name: string, secret: string, ref: SecretRef): Promise<void> {
  const value = await resolveSecret(secret, ref, secretContext(context));
  if (/[\r\n\0]/.test(value)) {
    // A line end would end the value in what git reads from its helper (git-credential(1)).
    throw new SestaError("SECRET_MISSING", `secret ${secret} holds more than one line, which no token does`, {
      hint: "Change its reference in sesta.yaml.",
    });
  }
  await context.targets.of(name).agent.call("token", { name, value });
}
