// Files of the project's folder that never leave it: what its secrets are read from, and private keys of hosts and certificates.
import { isAbsolute, relative, resolve } from "node:path";
import { findSecretPath } from "../project/secret.ts";
import { listServices } from "../model/project.ts";
import type { Context } from "./context.ts";

/** Relative to the project's folder; what is kept elsewhere is not among them. */
export function listPrivateFiles({ project, world }: Pick<Context, "project" | "world">): string[] {
  const secrets = Object.values(project.secrets).map((ref) => findSecretPath(ref, project.folder, world.env));
  const keys = Object.values(project.targets).flatMap((target) =>
    target.type === "ssh" ? target.hosts.map(({ key }) => findKey(project.folder, key)) : [],
  );
  const certified = listServices(project).flatMap(({ certificate }) =>
    certificate ? [resolve(project.folder, certificate.key)] : [],
  );
  return [...secrets, ...keys, ...certified].flatMap((path) => {
    const inner = path === undefined ? ".." : relative(project.folder, path);
    return inner.startsWith("..") || isAbsolute(inner) ? [] : [inner];
  });
}

function findKey(folder: string, key: string | undefined): string | undefined {
  return key === undefined || key.startsWith("~") ? undefined : resolve(folder, key);
}
