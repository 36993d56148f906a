// Notices a changed secret within a second: a file that one names, or a password's hash that another command wrote.
import { stat } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { findSecretPath } from "../project/secret.ts";
import type { Context } from "../operations/context.ts";

const everyMs = 500;

/**
 * @param changed called after a password has changed
 * @param sync takes over what the files of these secrets hold; the names of passwords that have changed
 */
export async function watchSecrets(
  context: Context,
  log: Log,
  signal: AbortSignal,
  changed: () => void,
  sync: (names: ReadonlySet<string>) => Promise<readonly unknown[]>,
): Promise<void> {
  const { clock } = context.world;
  let marks: ReadonlyMap<string, string> = new Map(); // a file may have changed while no gateway ran
  let dataVersion = context.state.dataVersion();
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    const now = await readMarks(context);
    const touched = new Set(
      [...now].filter(([name, mark]) => marks.get(name) !== mark).map(([name]) => name),
    );
    marks = now;
    if (touched.size > 0) {
      await sync(touched).then(
        (names) => names.length > 0 && changed(),
        (error) => {
          log.warn("password not taken over", { error: messageOf(error) });
        },
      );
    }
    if (context.state.dataVersion() !== dataVersion) {
      dataVersion = context.state.dataVersion();
      changed();
    }
  }
}

/** When each file that a secret names was last written; files that are missing count as unchanged until they return. */
async function readMarks({ project, world }: Context): Promise<Map<string, string>> {
  const marks = new Map<string, string>();
  for (const [name, ref] of Object.entries(project.secrets)) {
    const path = findSecretPath(ref, project.folder, world.env);
    const found = path === undefined ? undefined : await stat(path).catch(() => undefined);
    if (found) marks.set(name, `${found.ino}.${found.size}.${found.mtimeMs}`);
  }
  return marks;
}
