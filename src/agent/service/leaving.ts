// Groups of releases that were replaced: they end with their last request, unless their release is gone back to before.
import type { Group } from "./group.ts";
import type { ServiceFront } from "./service-front.ts";

type One = { group: Group; isBack: boolean };

export class Leaving {
  readonly #front: ServiceFront;
  readonly #groups = new Set<One>();
  #all: Promise<unknown> = Promise.resolve();

  constructor(front: ServiceFront) {
    this.#front = front;
  }

  /** It gets no more requests already. */
  add(group: Group): void {
    const one = { group, isBack: false };
    this.#groups.add(one);
    this.#all = Promise.all([this.#all, this.#end(one)]);
  }

  /** The replicas of this release, where all of them still answer: whoever takes them routes to them at once. */
  takeBack(release: number): Group | undefined {
    const found = [...this.#groups].find(({ group }) => group.release.number === release);
    if (!found || found.group.listUp().length < found.group.replicas.length) return undefined;
    found.isBack = true;
    this.#groups.delete(found);
    return found.group;
  }

  /** Resolves when none of those that were added by now runs any more, but for those that were taken back. */
  async ended(): Promise<void> {
    await this.#all;
  }

  async #end(one: One): Promise<void> {
    await this.#front.drain(one.group);
    this.#groups.delete(one);
    if (!one.isBack) await one.group.end();
  }
}
