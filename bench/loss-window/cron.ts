// The original's auto_commit.sh, which cron runs every three minutes: add, commit and push. Run here when it is asked to.
import { join } from "node:path";
import { git } from "./remote.ts";
import { makeRepository } from "./repository.ts";
import { branch, type Place, type Subject, type Where } from "./subject.ts";

const name = "cron";
export const cronEveryMs = 180_000;

export function startCron(place: Place): Subject & { run(): void } {
  const workspace = makeRepository(place, name);
  let to: Where = "path";
  return {
    name: "cron, every 3 min (computed)",
    workspace,
    gitFolder: join(workspace, ".git"),
    ref: branch,
    remote: place.remotes.path(name),
    use: (where) => Promise.resolve(void (to = where)),
    pids: () => [],
    end: () => Promise.resolve(),
    run() {
      git(workspace, "add", "--all");
      git(workspace, "commit", "--quiet", "--message=Auto commit");
      git(workspace, "push", "--quiet", to, "main");
    },
  };
}

/** What a run that took this long means to a change at any moment between two runs. */
export function spreadOverPhases(tookMs: number): number[] {
  const phases = 100;
  return Array.from({ length: phases }, (_, index) => ((index + 0.5) / phases) * cronEveryMs + tookMs);
}
