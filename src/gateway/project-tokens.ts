// The tokens of a project's saves: which workloads have one, and how its value is found.
import { findSecret } from "../model/project.ts";
import type { Context } from "../operations/context.ts";
import { listAgentSecrets, supplyToken } from "../operations/tokens.ts";
import type { Kept } from "./kept.ts";
import { createTokens, type Tokens, type TokensContext } from "./tokens.ts";

export function createProjectTokens(
  context: Context,
  kept: Kept,
  more: Pick<TokensContext, "clock" | "log" | "signal">,
): Tokens {
  return createTokens({
    ...more,
    list: () =>
      new Map(
        [...kept.placed().values()].flatMap(({ name, launch, placedAt }) =>
          placedAt === null ? [] : listAgentSecrets(launch).map((secret) => [name, secret] as const),
        ),
      ),
    supply: (name, told) => supplyToken(withTold(context, told), name),
  });
}

/** As if the variables of these secrets were set here: what started the gateway left them out. */
function withTold(context: Context, told: ReadonlyMap<string, string>): Context {
  const variables = [...told].flatMap(([secret, value]) => {
    const ref = findSecret(context.project, secret);
    return ref && "env" in ref ? [[ref.env, value] as const] : [];
  });
  const env = { ...context.world.env, ...Object.fromEntries(variables) };
  return { ...context, world: { ...context.world, env } };
}
