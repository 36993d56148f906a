// The state of one workload as it is kept and told: nothing is believed before it is written.
import type { Clock } from "../base/clock.ts";
import type { AgentEvent } from "../model/agent-protocol.ts";
import type { Report } from "../model/status.ts";
import type { State } from "../model/words.ts";
import type { AgentState, Start, Supervised } from "../state/agent-state.ts";

export type RecordContext = { clock: Clock; state: AgentState; send: (event: AgentEvent) => void };
/** What a report says beyond the record itself. */
export type Details = Pick<
  Report,
  "pid" | "lastUse" | "sleepsAt" | "announced" | "hold" | "open" | "save" | "logTail"
> &
  Pick<Report, "service" | "backup">;

export class StateRecord {
  readonly #context: RecordContext;
  readonly #details: () => Details;
  #workload: Supervised;
  #phase: string | null = null;
  #progress: number | null = null;

  constructor(context: RecordContext, workload: Supervised, details: () => Details) {
    this.#context = context;
    this.#workload = workload;
    this.#details = details;
  }

  get workload(): Supervised {
    return this.#workload;
  }

  report(): Report {
    const { name, state, since, why } = this.#workload;
    return { name, state, since, why, phase: this.#phase, progress: this.#progress, ...this.#details() };
  }

  tell(): void {
    this.#context.send({ report: this.report() });
  }

  /** What goes on at this moment; not kept. */
  show(phase: string | null, progress: number | null): void {
    this.#phase = phase;
    this.#progress = progress;
    this.tell();
  }

  /** What cannot be kept has not happened. @throws SestaError DISK_FULL, STATE_FOLDER */
  save(next: Supervised): void {
    this.#context.state.save(next);
    this.#workload = next;
  }

  /** The next start is a new one. Kept with the next change: until then an older start is found and ended again. */
  forgetStart(): void {
    this.#workload = { ...this.#workload, start: null };
  }

  /** Something that belongs to the history of its state and does not change it. @throws as `save` */
  note(why: string, by: string): void {
    const { clock, state, send } = this.#context;
    const { name: workload, state: same } = this.#workload;
    const note = { at: clock.now(), workload, from: same, to: same, why, by };
    send({ change: state.change(this.#workload, note) });
  }

  /** A new state together with its record. @throws as `save`; then nothing has changed */
  change(to: State, why: string, by: string, start: Start | null = this.#workload.start): void {
    const { clock, state, send } = this.#context;
    const { name: workload, state: from } = this.#workload;
    const at = clock.now();
    const next = { ...this.#workload, state: to, since: at, why, start };
    const change = state.change(next, { at, workload, from, to, why, by });
    this.#workload = next;
    this.#phase = null;
    this.#progress = null;
    send({ change });
    this.tell();
  }
}
