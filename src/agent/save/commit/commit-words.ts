// What a save says of itself: its author where the project file names none, and its message.
import type { Git } from "../git.ts";

export type Author = { name: string; email: string };

/** Git's own user on this machine, or Sesta. */
export async function findAuthor(git: Git): Promise<Author> {
  const ask = async (name: string) => (await git.run(["config", name])).stdout.trim();
  return {
    name: (await ask("user.name")) || "Sesta",
    email: (await ask("user.email")) || "sesta@localhost",
  };
}

/** "Save notebook: a.ipynb, b.py and 3 more" */
export function buildMessage(workload: string, paths: readonly string[]): string {
  const names = paths.slice(0, 2).map((path) => path.slice(path.lastIndexOf("/") + 1).replace(/\s/g, " "));
  const more = paths.length - names.length;
  return `Save ${workload}: ${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
