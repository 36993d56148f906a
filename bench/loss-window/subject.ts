// What is measured: somebody who carries a changed file from a workspace to a commit and on to a remote.
import type { Remotes } from "./remote.ts";

export type Where = "path" | "daemon";

export type Subject = {
  name: string;
  workspace: string;
  /** The git folder and the ref in which its commits appear. */
  gitFolder: string;
  ref: string;
  /** The bare repository that it pushes to, and the branch in it. */
  remote: string;
  /** From now on it pushes there. */
  use(where: Where): Promise<void>;
  /** Processes whose share of the machine is its own. */
  pids(): readonly number[];
  end(): Promise<void>;
};

export type Place = { cache: string; folder: string; remotes: Remotes };

export const branch = "refs/heads/main";
