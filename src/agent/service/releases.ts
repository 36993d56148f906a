// What is kept of a service's releases, files and record together: made, gone back to, taken over by, forgotten.
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import { SestaError } from "../../base/errors.ts";
import type { Launch } from "../../model/launch.ts";
import type { Certificate, NewRelease } from "../../model/release.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import type { GroupContext } from "./group.ts";
import { ReleaseBook } from "./release-book.ts";

export class Releases {
  readonly book: ReleaseBook;
  readonly #context: GroupContext;
  readonly #name: string;
  /** One at a time: what is copied has no record yet. */
  #making: { key: string; made: Promise<KeptRelease> } | null = null;

  constructor(context: GroupContext, name: string) {
    this.#context = context;
    this.#name = name;
    this.book = new ReleaseBook(context.state, context.clock, name);
  }

  /**
   * The same key gives the same release.
   * @param accept called before anything is made; what it throws is thrown
   * @throws SestaError BUSY while another one is made or starts, TRANSFER
   */
  async make(
    launch: Launch,
    places: MachinePlaces,
    wanted: NewRelease,
    accept: () => Promise<void>,
  ): Promise<{ release: KeptRelease; isNew: boolean }> {
    const known = this.book.findKey(wanted.key);
    if (known) return { release: known, isNew: false };
    if (this.#making?.key === wanted.key) return { release: await this.#making.made, isNew: false };
    this.#refuseTwo();
    const made = this.#make(launch, places, wanted, accept);
    this.#making = { key: wanted.key, made };
    try {
      return { release: await made, isNew: true };
    } finally {
      this.#making = null;
    }
  }

  /** @param number null: the one before. @throws SestaError BUSY, UNKNOWN_RELEASE */
  again(number: number | null): KeptRelease {
    this.#refuseTwo();
    return this.book.again(number);
  }

  /** It is live, and those that are too old to go back to are forgotten. */
  async tookOver(): Promise<void> {
    await this.#context.folders.prune(this.book.prune(), this.book.all);
  }

  /** Of one that never was live only its record and its log are of use any more. */
  async failed(release: KeptRelease, why: string, logTail: readonly string[]): Promise<void> {
    this.book.fail(release, why, logTail);
    if (release.liveSince === null) await this.#context.folders.removeFiles(this.#name, release.number);
  }

  /** With which the port of this launch speaks TLS. */
  async findCertificate(launch: Launch): Promise<Certificate | null> {
    const tls = launch.service?.tls ?? null;
    if (tls === null) return null;
    const { all } = this.book;
    const first = all.filter((one) => one.launch.service?.tls === tls);
    for (const { number } of [...first, ...all]) {
      const found = await this.#context.folders.readCertificate(this.#name, number);
      if (found) return found;
    }
    return null;
  }

  async forgetAll(): Promise<void> {
    this.#context.state.forgetReleases(this.#name);
    await this.#context.folders.removeAll(this.#name);
  }

  async #make(
    launch: Launch,
    places: MachinePlaces,
    wanted: NewRelease,
    accept: () => Promise<void>,
  ): Promise<KeptRelease> {
    await accept();
    const { folders } = this.#context;
    const number = this.book.nextNumber();
    await folders.make(this.#name, number, wanted);
    const own = { ...places, workspace: folders.treeOf(this.#name, number) };
    return this.book.add(launch, own, number, wanted);
  }

  #refuseTwo(): void {
    this.book.refuseTwo();
    if (!this.#making) return;
    throw new SestaError("BUSY", `A release of ${this.#name} is being made`, {
      hint: "Wait until it is live or has failed.",
    });
  }
}
