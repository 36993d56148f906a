// Secrets that a workload's process reads from its own folder: put there by `up`, for their owner's eyes.
import type { Machine } from "../machine/machine.ts";
import { findSecret } from "../model/project.ts";
import { resolveSecret } from "../project/secret.ts";
import type { Context } from "./context.ts";
import { openHosts } from "./machines.ts";
import { secretContext } from "./passwords.ts";

/**
 * Of a workload that was just placed.
 * @returns what people should know: a process that runs keeps the secrets that it was started with
 * @throws SestaError SECRET_MISSING, SECRET_COMMAND, SSH_CONNECTION
 */
export async function placeKeptSecrets(context: Context, name: string): Promise<string[]> {
  const placed = context.state.findWorkload(name);
  const wanted = Object.entries(placed?.launch.keptSecrets ?? {});
  if (!placed || wanted.length === 0) return [];
  const files: Record<string, string> = {};
  for (const [file, secret] of wanted) {
    const ref = findSecret(context.project, secret);
    if (ref) files[file] = await resolveSecret(secret, ref, secretContext(context));
  }
  const target = context.targets.of(name);
  const [host] = await openHosts(context, placed.target, 1);
  const { keep } = await target.inside(name);
  if (!host) return [];
  const replaced = await listReplaced(host.machine, keep, files);
  await host.machine.put(files, keep);
  if (replaced.length === 0 || (await target.status(name)).state === "asleep") return [];
  const secrets = new Set(wanted.flatMap(([file, secret]) => (replaced.includes(file) ? [secret] : [])));
  return [
    `${name} takes over what has changed, secret ${[...secrets].join(", ")}, at its next start: \`sesta sleep ${name}\``,
  ];
}

async function listReplaced(
  machine: Machine,
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<string[]> {
  const found = Object.entries(files).map(async ([file, value]) => {
    const { exitCode, stdout } = await machine.run(["cat", `${folder}/${file}`]);
    const known = value.replace(/\r?\n$/, ""); // as `run` gives what a program printed
    return exitCode === 0 && stdout !== known ? [file] : [];
  });
  return (await Promise.all(found)).flat();
}
