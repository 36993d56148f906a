// What a project remembers of a stack: its own id, decided before anything is made, and what was made.
import { randomBytes } from "node:crypto";
import type { ProjectState } from "../../state/project-state.ts";
import type { Outputs } from "../terraform/read-outputs.ts";

export type StackRecord = {
  /** 8 hexadecimal digits. */
  id: string;
  /** Of the last apply; empty before. */
  outputs: Outputs;
};

/** @param place the target and the workload: "aws/notebook" */
export function createStackRecord(state: ProjectState, place: string) {
  const key = `stack ${place}`;
  const find = (): StackRecord | undefined => {
    const text = state.findSetting(key);
    return text === undefined ? undefined : (JSON.parse(text) as StackRecord);
  };
  const save = (record: StackRecord): StackRecord => {
    state.setSetting(key, JSON.stringify(record));
    return record;
  };
  return {
    find,
    /** The one that is there, or one that is begun. */
    begin: (): StackRecord =>
      state.transact(() => find() ?? save({ id: randomBytes(4).toString("hex"), outputs: {} })),
    /** @throws Error before `begin` */
    know(outputs: Outputs): void {
      const record = find();
      if (!record) throw new Error(`${place} was not begun`);
      save({ ...record, outputs });
    },
    end: (): void => state.deleteSetting(key),
  };
}
