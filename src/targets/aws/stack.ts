// What the resources of one workload have in common: names that are nobody else's, and tags by which they are found.
import { readyTag } from "../../model/aws.ts";

export type Stack = {
  project: string;
  workload: string;
  /** Of this stack alone, decided before anything is made: 8 hexadecimal digits. */
  id: string;
  region: string;
};

export const tagNames = {
  project: "sesta:project",
  workload: "sesta:workload",
  stack: "sesta:stack",
  address: "sesta:address",
  ready: readyTag,
} as const;

/** IAM's is the shortest limit of those in use. (IAM User Guide, "IAM and AWS STS quotas") */
const longest = 64;

/** @param ending what tells it from others of the same stack; without it, the stack's own name */
export function nameOf({ project, workload, id }: Stack, ending = ""): string {
  const end = `-${id}${ending === "" ? "" : `-${ending}`}`;
  return `sesta-${project}-${workload}`.slice(0, longest - end.length) + end;
}

/** @param address "aws_instance.lab": a resource that no state knows says by it what it is */
export function tagsOf(stack: Stack, address: string): Record<string, string> {
  return {
    Name: `${stack.project} ${stack.workload}`,
    [tagNames.project]: stack.project,
    [tagNames.workload]: stack.workload,
    [tagNames.stack]: stack.id,
    [tagNames.address]: address,
  };
}
