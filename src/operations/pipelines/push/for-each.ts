// Does a part of a push with all registries at once; where one fails, all that fail are named, and what others have.
import { messageOf, SestaError } from "../../../base/errors.ts";

type Otherwise<Item> = {
  /** What holds of all when one has failed. */
  what: string;
  /** What those have that did not fail. */
  others: (item: Item) => string;
};

/** @throws SestaError PUSH_FAILED: `problems` has a line for each; the first error that is no user's */
export async function forEach<Item, Result>(
  items: readonly Item[],
  describe: (item: Item) => string,
  work: (item: Item, index: number) => Promise<Result>,
  { what, others }: Otherwise<Item>,
): Promise<Result[]> {
  const ended = await Promise.allSettled(items.map((item, index) => work(item, index)));
  const errors = ended.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
  if (errors.length === 0) return ended.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const strange = errors.find((error) => !(error instanceof SestaError) || error.code === "INTERRUPTED");
  if (strange !== undefined) throw strange;
  const lines = items.map((item, index) => {
    const one = ended[index];
    return `${describe(item)} ${one?.status === "rejected" ? messageOf(one.reason) : others(item)}`;
  });
  const failed = items.filter((_, index) => ended[index]?.status === "rejected").map(describe);
  const hint = errors.find((error) => error instanceof SestaError && error.hint !== undefined);
  throw new SestaError("PUSH_FAILED", `The image could not be pushed to ${failed.join(" and ")}; ${what}`, {
    problems: lines,
    hint: hint instanceof SestaError ? hint.hint : "Mend it, and run the stage again.",
  });
}
