// One service as the agent answers for it: what can be asked of it, and what is reported of it.
import { SestaError } from "../../base/errors.ts";
import type { Asked, MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch } from "../../model/launch.ts";
import type { NewRelease, Release } from "../../model/release.ts";
import type { Report } from "../../model/status.ts";
import type { State } from "../../model/words.ts";
import type { Supervised } from "../../state/agent-state.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import { ServiceLife, type ServiceContext } from "./service-life.ts";

export type { ServiceContext };

export class Service {
  readonly #context: ServiceContext;
  readonly #life: ServiceLife;

  constructor(context: ServiceContext, workload: Supervised) {
    this.#context = context;
    this.#life = new ServiceLife(context, workload);
  }

  get name(): string {
    return this.#life.record.workload.name;
  }

  get state(): State {
    return this.#life.state;
  }

  report(): Report {
    return this.#life.record.report();
  }

  /** Opens its port, and goes on with what an earlier agent left: what runs is not started again. */
  adopt(): Promise<void> {
    return this.#life.adopt();
  }

  /** @throws SestaError NOT_UP before its first release; DISK_FULL, STATE_FOLDER when it cannot be written */
  wake({ why, by }: Omit<Asked, "name">): Report {
    const { book } = this.#life.rollout.releases;
    if (!book.live() && !book.starting()) {
      const hint = `Run \`sesta deploy ${this.name}\`.`;
      throw new SestaError("NOT_UP", `${this.name} has no release that runs`, { hint });
    }
    this.#life.wake(why, by);
    return this.report();
  }

  /** @param shut its port is closed, so that no request wakes it again. @throws as `wake` */
  sleep({ why, by }: Asked, shut: boolean): Report {
    if (shut) void this.#life.front.close();
    this.#life.sleep(why, by);
    return this.report();
  }

  hold(asked: Asked, forMs: number | null, reason: string | null): Report {
    const { clock, state } = this.#context;
    const hold = forMs === null ? null : { until: clock.now() + forMs, reason };
    if (hold) this.wake(asked);
    state.setHold(this.name, hold);
    this.#life.record.note(asked.why, asked.by);
    this.#life.held(hold?.until ?? null);
    this.#life.record.tell();
    return this.report();
  }

  /** For the record: something that does not change its state. */
  remark(what: string): void {
    this.#life.record.note(what, "agent");
  }

  /** Stops watching and answering; what runs goes on. */
  leave(): void {
    this.#life.leave();
  }

  /** Takes away what is kept of it, once nothing of it runs any more. */
  async remove(): Promise<void> {
    await this.#life.end();
    await this.#life.rollout.releases.forgetAll();
  }

  /** Newest first. */
  releases(): Release[] {
    return this.#life.rollout.list();
  }

  /** The same key gives the same release. @throws SestaError BUSY while another one starts, PORT_TAKEN, TRANSFER */
  async deploy(launch: Launch, places: MachinePlaces, wanted: NewRelease, why: string): Promise<Release> {
    const { rollout } = this.#life;
    const { release, isNew } = await rollout.make(launch, places, wanted);
    return isNew ? this.#begin(release, why, wanted.by) : rollout.describe(release);
  }

  /** @throws SestaError UNKNOWN_RELEASE, BUSY */
  rollback({ why, by }: Asked, number: number | null): Release {
    const { rollout } = this.#life;
    const release = rollout.releases.again(number);
    return release.state === "live" ? rollout.describe(release) : this.#begin(release, why, by);
  }

  #begin(release: KeptRelease, why: string, by: string): Release {
    this.#life.wake(why, by);
    return this.#life.rollout.describe(release);
  }
}
