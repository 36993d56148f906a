// What a workload's data is called, by where it is: in sentences about its backups and about taking it down.
import type { BackupRule } from "./launch.ts";

/** What a backup holds: the database wherever it is, artifacts only where they are with it. */
export function describeBackedUp(rule: BackupRule): string {
  return rule.elsewhere?.artifacts ? "database" : "database and artifacts";
}

/** What no backup holds. */
export function findLeftOut({ elsewhere }: BackupRule): string | undefined {
  return elsewhere?.artifacts ? `its artifacts in ${elsewhere.artifacts}` : undefined;
}

/** What goes when it is taken down. */
export function listGoing({ elsewhere }: BackupRule): string[] {
  return [...(elsewhere?.database ? [] : ["database"]), ...(elsewhere?.artifacts ? [] : ["artifacts"])];
}

/** What stays then, since it lies elsewhere. */
export function listStaying(rule: BackupRule): string[] {
  const leftOut = findLeftOut(rule);
  return [
    ...(rule.elsewhere?.database ? ["its database, on the server that has it"] : []),
    ...(leftOut === undefined ? [] : [leftOut]),
  ];
}
