// What a look at the workspace is asked for, and what came of it.
import type { HeldDeletions, SetAside } from "../../../model/save.ts";
import type { Alarm } from "./alarm.ts";

export type TakeOptions = {
  /** Look at every folder, not only at those in which something was heard. */
  full: boolean;
  /** The user confirms what is held, and that another folder is the workspace now. */
  acceptDeletions: boolean;
  /** Second parent. */
  merge?: string;
  /** Paths that the remote refused; each call names all of them. */
  without?: ReadonlySet<string>;
  message?: string;
};

export type Taken = {
  /** The newest save; null when nothing was ever saved. */
  commit: string | null;
  /** Whether this call made it. */
  made: boolean;
  /** Paths written or removed by this commit. */
  changed: number;
  /** Everything that is set aside now. */
  setAside: readonly SetAside[];
  held: HeldDeletions | null;
  /** Why nothing could be saved at all; `commit` is the one before. */
  alarm: Alarm | null;
  /** Files kept changing while they were read: another take is wanted soon. */
  again: boolean;
};
