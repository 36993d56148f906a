// What running a playbook is given of the world, and what it tells while it runs.
import type { Clock } from "../../base/clock.ts";
import type { PlaybookEvent } from "../../commands/ansible-lines.ts";
import type { Machine } from "../../machine/machine.ts";

export type PlaybookPlace = {
  /** This machine: Ansible runs here. */
  machine: Machine;
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  cacheFolder: string;
  /** Private: keys of hosts are pinned in its `known_hosts`. */
  folder: string;
  signal: AbortSignal;
};

export type PlaybookWatch = {
  onEvent(event: PlaybookEvent): void;
  /** A sentence that people should read: what was mended or added on their side. */
  onNotice(text: string): void;
  /** What is going on before the first task. */
  detail(text: string): void;
};
