// Where a build is pushed: names of registries and images to references with their logins.
import type { PushTarget, RegistrySection, StageSection } from "../../model/pipeline.ts";
import { resolvePush } from "../../pipelines/resolve-push.ts";
import { findSecret } from "../../model/project.ts";
import { resolveSecret } from "../../project/secret.ts";
import type { Context } from "../context.ts";
import { secretContext } from "../passwords.ts";

/** @throws SestaError SECRET_MISSING, SECRET_COMMAND: before anything is pushed anywhere */
export async function findPushTargets(context: Context, { work }: StageSection): Promise<PushTarget[]> {
  if (work.kind !== "build") return [];
  return Promise.all(
    work.push.map(async (name) => {
      const target = resolvePush(context.project.registries, work.service, name);
      return { ...target, password: await findPassword(context, target.registry) };
    }),
  );
}

async function findPassword(context: Context, registry: RegistrySection | null): Promise<string | null> {
  if (registry?.type !== "login" || registry.password === undefined) return null;
  const ref = findSecret(context.project, registry.password);
  return ref ? resolveSecret(registry.password, ref, secretContext(context)) : null;
}
