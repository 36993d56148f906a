// Tidies the repository of the saves while nothing else wants it.
import type { Git } from "../git.ts";
import { tidyRepository } from "./repository.ts";

export function createTidying(git: Git) {
  let running: AbortController | undefined;
  return {
    /** Somebody wants the repository. */
    interrupt: (): void => running?.abort(),
    async run(signal: AbortSignal | undefined): Promise<void> {
      const mine = (running = new AbortController());
      try {
        await tidyRepository(git, AbortSignal.any(signal ? [mine.signal, signal] : [mine.signal]));
      } finally {
        running = undefined;
      }
    },
  };
}
