// Where a build is pushed: names of registries and images to references with their logins.
import type { PushTarget, RegistrySection, StageSection } from "../../model/pipeline.ts";
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

/** @param name as in `push:`: a registry's name, or an image */
export function resolvePush(
  registries: Readonly<Record<string, RegistrySection>>,
  service: string,
  name: string,
): Omit<PushTarget, "password"> {
  const own = Object.hasOwn(registries, name) ? registries[name] : undefined;
  if (own) return { name, registry: own, reference: joinHost(own, own.repository ?? service) };
  const [host = ""] = name.split("/");
  const registry = Object.values(registries).find((one) => findHost(one) === host) ?? null;
  return { name, registry, reference: name };
}

/** Undefined of ECR whose account only the credentials tell. */
export function findHost(registry: RegistrySection): string | undefined {
  if (registry.type === "login") return registry.host;
  const { account, region } = registry;
  return account === undefined ? undefined : `${account}.dkr.ecr.${region}.amazonaws.com`;
}

function joinHost(registry: RegistrySection, repository: string): string {
  const host = findHost(registry);
  return host === undefined ? repository : `${host}/${repository}`;
}

async function findPassword(context: Context, registry: RegistrySection | null): Promise<string | null> {
  if (registry?.type !== "login" || registry.password === undefined) return null;
  const ref = findSecret(context.project, registry.password);
  return ref ? resolveSecret(registry.password, ref, secretContext(context)) : null;
}
