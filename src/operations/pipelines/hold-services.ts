// One run at a time of a pipeline, and of everything else that ships the same service.
import { join } from "node:path";
import { findHolder, waitForLock } from "../../state/lock.ts";
import type { Context } from "../context.ts";

/**
 * Waits for whoever has one of them. Always in the same order, so that two never wait for each other.
 * @param tell told once for each who that is
 */
export async function holdServices(
  { world, folder }: Context,
  pipeline: string,
  services: readonly string[],
  tell: (text: string) => void,
): Promise<{ release(): void }> {
  const { clock, pid, signal } = world;
  const held: { release(): void }[] = [];
  const release = () => held.forEach((lock) => lock.release());
  const names = [...new Set(services)].toSorted();
  const wanted = [
    { path: join(folder, `pipeline-${pipeline}`), what: `pipeline ${pipeline}` },
    ...names.map((name) => ({ path: serviceLock(folder, name), what: `service ${name}` })),
  ];
  try {
    for (const { path, what } of wanted) {
      const holder = { verb: `pipeline run ${pipeline}`, pid, since: clock.now() };
      const lock = await waitForLock(path, holder, signal, (who) =>
        tell(`waiting: \`sesta ${findHolder(path)?.verb ?? "…"}\` (${who}) has ${what}`),
      );
      held.push(lock);
    }
    return { release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Held by whatever makes a release of the service or takes one away. @param folder `.sesta`, absolute */
export function serviceLock(folder: string, service: string): string {
  return join(folder, `service-${service}`);
}
