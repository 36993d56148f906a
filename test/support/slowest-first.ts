// The order of the test files: those that take long begin first, so that none of them is left alone at the end.
import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import slowFiles from "./slow-files.json" with { type: "json" };

/** A fresh clone does not know how long its tests take; the list says it, in seconds, for those of half a minute or more. */
export default class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seconds = new Map(Object.entries(slowFiles));
    const secondsOf = ({ moduleId }: TestSpecification) =>
      seconds.get(relative(this.ctx.config.root, moduleId)) ?? 0;
    // oxlint-disable-next-line unicorn/no-array-sort -- not an array's
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => secondsOf(other) - secondsOf(one));
  }
}
