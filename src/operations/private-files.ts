// Files of the project's folder that never leave it: what its secrets are read from, private keys, backups, what lies beside playbooks.
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { findSecretPath } from "../project/secret.ts";
import { listJobs, listServices, listTrackers } from "../model/project.ts";
import type { Context } from "./context.ts";

/** What a team keeps beside its playbook. */
const playbookSecrets = ["vars.sh", "key.pem"];

/** Relative to the project's folder; what is kept elsewhere is not among them. */
export function listPrivateFiles({ project, world }: Pick<Context, "project" | "world">): string[] {
  const secrets = Object.values(project.secrets).map((ref) => findSecretPath(ref, project.folder, world.env));
  const keys = Object.values(project.targets).flatMap((target) =>
    target.type === "ssh" ? target.hosts.map(({ key }) => findKey(project.folder, key)) : [],
  );
  const certified = listServices(project).flatMap(({ certificate }) =>
    certificate ? [resolve(project.folder, certificate.key)] : [],
  );
  const backups = listTrackers(project).map(({ backup }) => resolve(project.folder, backup.folder));
  const playbooks = listJobs(project).flatMap(({ playbook }) => playbook ?? []);
  // Beside each, and in the project's folder, where `sesta run --playbook` has them.
  const folders = new Set(playbooks.length > 0 ? [".", ...playbooks.map((path) => dirname(path))] : []);
  const beside = [...folders].flatMap((folder) =>
    playbookSecrets.map((name) => resolve(project.folder, folder, name)),
  );
  return [...secrets, ...keys, ...certified, ...backups, ...beside].flatMap((path) => {
    const inner = path === undefined ? ".." : relative(project.folder, path);
    return inner.startsWith("..") || isAbsolute(inner) ? [] : [inner];
  });
}

function findKey(folder: string, key: string | undefined): string | undefined {
  return key === undefined || key.startsWith("~") ? undefined : resolve(folder, key);
}
