// Secrets that a workload's process reads from its own folder: put there by `up`, for their owner's eyes.
import { findSecret } from "../model/project.ts";
import { resolveSecret } from "../project/secret.ts";
import type { Context } from "./context.ts";
import { openHosts } from "./machines.ts";
import { secretContext } from "./passwords.ts";

/** Of a workload that was just placed. @throws SestaError SECRET_MISSING, SECRET_COMMAND, SSH_CONNECTION */
export async function placeKeptSecrets(context: Context, name: string): Promise<void> {
  const placed = context.state.findWorkload(name);
  const wanted = Object.entries(placed?.launch.keptSecrets ?? {});
  if (!placed || wanted.length === 0) return;
  const files: Record<string, string> = {};
  for (const [file, secret] of wanted) {
    const ref = findSecret(context.project, secret);
    if (ref) files[file] = await resolveSecret(secret, ref, secretContext(context));
  }
  const [host] = await openHosts(context, placed.target, 1);
  const { keep } = await context.targets.of(name).inside(name);
  await host?.machine.put(files, keep);
}
