// The saver of one workload, which comes and goes with the `save` section of its launch.
import { SestaError } from "../base/errors.ts";
import type { SaveReport } from "../model/save.ts";
import type { Supervised } from "../state/agent-state.ts";
import type { Saved, Saver } from "./save/saver.ts";

export class SaverSlot {
  readonly #create: (saved: Saved) => Saver;
  #saver: Saver | null = null;

  constructor(create: (saved: Saved) => Saver) {
    this.#create = create;
  }

  get saver(): Saver | null {
    return this.#saver;
  }

  report(): SaveReport | null {
    return this.#saver?.report() ?? null;
  }

  /** @throws SestaError UNSUPPORTED for a workload whose workspace is saved nowhere */
  get({ name }: Supervised): Saver {
    if (this.#saver) return this.#saver;
    throw new SestaError("UNSUPPORTED", `${name} is saved nowhere`, {
      hint: "Give it `save: { repo: … }` in sesta.yaml and run `sesta up`.",
    });
  }

  /** As the launch says now; a saver that stays goes on with what it does. */
  set({ name, launch, places }: Supervised): void {
    const { save: rule } = launch;
    if (this.#saver && rule) return this.#saver.setRule(rule);
    this.close();
    if (!rule) return;
    this.#saver = this.#create({ name, workspace: places.workspace, rule });
    this.#saver.keep();
  }

  close(): void {
    void this.#saver?.close();
    this.#saver = null;
  }
}
