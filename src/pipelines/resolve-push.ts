// Where a build is pushed: the name of a registry or an image to a reference, and whose login it needs.
import type { PushTarget, RegistrySection } from "../model/pipeline.ts";

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
