// A workflow of GitHub Actions as data, and its text: actions pinned by commit, with their version beside it.
import { stringify } from "yaml";
import actions from "./actions.json" with { type: "json" };

export type Step = {
  name?: string;
  uses?: string;
  with?: Readonly<Record<string, string | number | boolean>>;
  env?: Readonly<Record<string, string>>;
  run?: string;
  if?: string;
};

export type Job = {
  name?: string;
  if?: string;
  needs?: readonly string[];
  "runs-on": string;
  "timeout-minutes"?: number;
  permissions?: Readonly<Record<string, "read" | "write">>;
  env?: Readonly<Record<string, string>>;
  steps: readonly Step[];
};

export type Workflow = {
  name: string;
  on: Readonly<Record<string, unknown>>;
  permissions: Readonly<Record<string, "read" | "write">>;
  concurrency: Readonly<Record<string, unknown>>;
  jobs: Readonly<Record<string, Job>>;
};

/** The image that jobs run on. */
export const runner = "ubuntu-24.04";

export function printWorkflow(workflow: Workflow): string {
  const text = stringify(workflow, {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    defaultStringType: "PLAIN",
  });
  return text
    .replace(/^( *(?:- )?uses: )(\S+)$/gm, (_, key: string, name: string) => `${key}${pin(name)}`)
    .replace(/\n(?=(?:on|permissions|concurrency|jobs):\n)/g, "\n\n")
    .replace(/\n(?= {2}[a-z][a-z0-9-]*:\n {4}(?:name|if|needs|runs-on):)/g, "\n\n")
    .replace("jobs:\n\n", "jobs:\n");
}

function pin(name: string): string {
  const found = Object.entries(actions).find(([action]) => action === name);
  if (!found) throw new Error(`${name} is not among the pinned actions`);
  const [action, { commit, version }] = found;
  return `${action}@${commit} # ${version}`;
}
