// What the parts of saving one workspace share.
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { SaveRule } from "../../model/launch.ts";
import type { Git } from "./git.ts";
import type { Remote } from "./remote/remote.ts";
import type { Snapshots } from "./commit/snapshots.ts";
import type { Taken, TakeOptions } from "./commit/taken.ts";
import type { Standing } from "./standing.ts";
import type { Turn } from "./turn.ts";

export type Saving = {
  workload: string;
  workspace: string;
  git: Git;
  clock: Clock;
  log: Log;
  rule: () => SaveRule;
  snapshots: Snapshots;
  remote: Remote;
  /** Looks at the workspace and saves what changed; what it found is told. Only within a turn of `here`. */
  take: (options: TakeOptions) => Promise<Taken>;
  /** One at a time works on the workspace and its commits. Nothing within it waits for a remote to take a save. */
  here: Turn;
  /** One at a time pays what is owed to the remote; work in it may wait for `here`, never the other way round. */
  there: Turn;
  standing: () => Standing;
  /** Kept before it counts. A function is given what stands at that moment: another change may have come first. */
  stand: (change: Partial<Standing> | ((now: Standing) => Partial<Standing>)) => Promise<void>;
};
