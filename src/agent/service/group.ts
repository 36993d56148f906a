// The replicas of one release.
import { SestaError, messageOf } from "../../base/errors.ts";
import { getBootId } from "../../machine/identity.ts";
import type { ReplicaReport } from "../../model/release.ts";
import type { Replica as Balanced } from "../../front/balancer/balancer.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import type { ReleaseFolders } from "./release-folder.ts";
import { Replica, type ReplicaContext, type ReplicaNews } from "./replica.ts";

export type GroupContext = ReplicaContext & { folders: ReleaseFolders };

/** Up to this many tries before a start has failed. */
const wakeTries = 3;

export class Group {
  readonly release: KeptRelease;
  readonly replicas: readonly Replica[];

  constructor(release: KeptRelease, replicas: readonly Replica[]) {
    this.release = release;
    this.replicas = replicas;
  }

  /** Resolves when all of them are up. @throws SestaError START_FAILED with the last lines of the first that failed */
  async startAll(): Promise<void> {
    const began = this.replicas.map((replica) =>
      replica.begin(1).catch((error: unknown) => {
        throw this.#failure(replica, error);
      }),
    );
    await Promise.all(began);
  }

  /** Resolves when the first is up; the others follow. @throws SestaError START_FAILED when none comes up */
  async startAny(): Promise<void> {
    const began = this.replicas.map((replica) => replica.begin(wakeTries));
    const [first] = this.replicas;
    try {
      await Promise.any(began);
    } catch (error) {
      const reason = error instanceof AggregateError ? (error.errors[0] as unknown) : error;
      throw first ? this.#failure(first, reason) : reason;
    }
  }

  /** Those that can take requests, as the balancer knows them. */
  listUp(): Balanced[] {
    return this.replicas.flatMap((replica) => {
      const [id, address] = [replica.id, replica.address()];
      const isUp = replica.state === "up" || replica.state === "unhealthy";
      return isUp && id !== null && address ? [{ id, upstream: address }] : [];
    });
  }

  reports(): ReplicaReport[] {
    return this.replicas.map((replica) => replica.report());
  }

  phase(): string | null {
    return this.replicas.find((replica) => replica.phase !== null)?.phase ?? null;
  }

  /** All have failed too often to be tried again soon. */
  isBroken(): boolean {
    return this.replicas.every(({ state }) => state === "broken");
  }

  async end(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.end()));
  }

  leave(): void {
    this.replicas.forEach((replica) => replica.leave());
  }

  #failure(replica: Replica, error: unknown): SestaError {
    return new SestaError("START_FAILED", messageOf(error), { problems: replica.logTail });
  }
}

/**
 * Ends its replicas when they are not wanted any more; leaves them when this agent goes.
 * @throws what `start` does, or the signal's reason
 */
export async function untilUp(
  group: Group,
  start: () => Promise<void>,
  signal: AbortSignal,
  left: AbortSignal,
): Promise<void> {
  const end = () => void (left.aborted ? group.leave() : group.end());
  if (signal.aborted) end();
  signal.addEventListener("abort", end, { once: true });
  try {
    await start();
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", end);
  }
}

/** Ends what an earlier agent left of releases that are not to run. @param run numbers of those that are */
export async function endOthers(
  { state, runner }: GroupContext,
  releases: readonly KeptRelease[],
  run: readonly number[],
): Promise<void> {
  const bootId = await getBootId();
  for (const release of releases) {
    const { workload, number, launch } = release;
    if (run.includes(number)) continue;
    const left = state.listReplicas(workload).filter((one) => one.release === number);
    for (const { start, slot } of left) {
      if (start.bootId === bootId) await runner.stop(launch, start, () => undefined);
      state.deleteReplica(workload, number, slot);
    }
  }
}

/** With what an earlier agent started of it, where that may still run. */
export async function createGroup(
  context: GroupContext,
  release: KeptRelease,
  news: ReplicaNews,
): Promise<Group> {
  const { state, folders, runner } = context;
  const { workload, number, launch } = release;
  const env = await folders.readEnv(workload, number);
  const bootId = await getBootId();
  const known = state.listReplicas(workload).filter((one) => one.release === number);
  const count = launch.service?.replicas ?? 1;
  for (const { start } of known) {
    // One of before the machine was started is still listed by its engine.
    if (start.bootId !== bootId && launch.service?.container)
      await runner.stop(launch, start, () => undefined);
  }
  const replicas = Array.from({ length: count }, (_, index) => {
    const start = known.find(({ slot }) => slot === index + 1)?.start;
    const kept = start?.bootId === bootId ? start : null;
    return new Replica(context, release, index + 1, { env, start: kept, news });
  });
  return new Group(release, replicas);
}
