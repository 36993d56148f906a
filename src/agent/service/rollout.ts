// Brings releases of one service out: each starts beside the one that is live, and takes over or changes nothing.
import type { Clock } from "../../base/clock.ts";
import { messageOf, SestaError } from "../../base/errors.ts";
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch } from "../../model/launch.ts";
import type { NewRelease, Release, ReplicaReport } from "../../model/release.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import { untilUp, type Group, type GroupContext } from "./group.ts";
import { describeRelease } from "./release-book.ts";
import { Releases } from "./releases.ts";
import type { ServiceFront } from "./service-front.ts";

export type RolloutOwner = {
  /** What people reach now. */
  launch(): Launch;
  setLaunch(launch: Launch, places: MachinePlaces): void;
  createGroup(release: KeptRelease): Promise<Group>;
  /** Aborted when the agent leaves everything to the next one. */
  left: AbortSignal;
};

/** Why it did not take over; nothing where the next agent tries it. */
export type Tried = { group: Group } | { failed: unknown } | undefined;

const openAgainMs = 1_000;

export class Rollout {
  readonly releases: Releases;
  readonly #clock: Clock;
  readonly #front: ServiceFront;
  readonly #owner: RolloutOwner;
  #candidate: Group | null = null;

  constructor(context: GroupContext, name: string, front: ServiceFront, owner: RolloutOwner) {
    this.releases = new Releases(context, name);
    this.#clock = context.clock;
    this.#front = front;
    this.#owner = owner;
  }

  /** Newest first. */
  list(): Release[] {
    return this.releases.book.all.map((release) => this.describe(release));
  }

  describe(release: KeptRelease): Release {
    const isCandidate = this.#candidate?.release.number === release.number;
    return describeRelease(release, isCandidate ? (this.#candidate?.phase() ?? null) : null);
  }

  /** Replicas of the release that starts. */
  reports(): ReplicaReport[] {
    return this.#candidate?.reports() ?? [];
  }

  /** The same key gives the same release. @throws SestaError BUSY while another one starts, PORT_TAKEN, TRANSFER */
  async make(launch: Launch, places: MachinePlaces, wanted: NewRelease): ReturnType<Releases["make"]> {
    let accepted = false;
    const accept = async () => {
      accepted = true;
      const serving = { launch, certificate: wanted.certificate };
      if (this.releases.book.live()) return this.#front.prepare(serving);
      await this.#front.serve(serving);
      this.#owner.setLaunch(launch, places);
    };
    try {
      return await this.releases.make(launch, places, wanted, accept);
    } catch (error) {
      if (accepted) await this.#serveAsBefore();
      throw error;
    }
  }

  /**
   * What is live then runs in the group that this resolves with.
   * @param back its replicas, where those of its last time are still up
   */
  async try(release: KeptRelease, signal: AbortSignal, back?: Group): Promise<Tried> {
    const { left, launch: now, setLaunch, createGroup } = this.#owner;
    const launch = release.liveSince === null ? release.launch : keepDoor(release.launch, now());
    let group: Group | null = null;
    try {
      const made = (this.#candidate = group = back ?? (await createGroup(release)));
      if (!back) await untilUp(made, () => made.startAll(), signal, left);
      await this.serve(launch);
      this.releases.book.takeOver(release);
      setLaunch(launch, release.places);
      return { group };
    } catch (error) {
      if (left.aborted) return undefined;
      await group?.end();
      const why = signal.aborted ? "It was put to sleep before it was well." : messageOf(error);
      await this.releases.failed(release, why, error instanceof SestaError ? error.problems : []);
      await this.#serveAsBefore();
      return { failed: error };
    } finally {
      this.#candidate = null;
    }
  }

  /** An agent that was killed leaves its port to whoever is quicker: it is tried until it is open. */
  async openPort(failed: (problem: string) => void): Promise<void> {
    const { left, launch } = this.#owner;
    while (!left.aborted) {
      try {
        return await this.serve(launch());
      } catch (error) {
        failed(messageOf(error));
        await this.#clock.sleep(openAgainMs, left).catch(() => undefined);
      }
    }
  }

  /** @throws SestaError PORT_TAKEN */
  async serve(launch: Launch): Promise<void> {
    await this.#front.serve({ launch, certificate: await this.releases.findCertificate(launch) });
  }

  async #serveAsBefore(): Promise<void> {
    await this.serve(this.#owner.launch()).catch(() => void this.openPort(() => undefined));
  }

  leave(): void {
    this.#candidate?.leave();
  }
}

/** Who goes back keeps the port, and who may reach it, as they are now. */
function keepDoor({ service: of, ...launch }: Launch, now: Launch): Launch {
  if (!of || !now.service) throw new Error(`${launch.name} is no service`);
  const { listen, tokenDigest, tls, domain } = now.service;
  const { healthPath } = launch.door;
  return {
    ...launch,
    door: { ...now.door, healthPath },
    service: { ...of, listen, tokenDigest, tls, domain },
  };
}
