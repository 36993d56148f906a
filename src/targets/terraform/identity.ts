// By what a resource is known in the cloud before Terraform has its id: tags, and the arguments that name it.
import type { Identity, Intent } from "../../state/intent-state.ts";
import type { ResourceChange } from "./read-plan.ts";

/** Arguments that are names, keys of a parent, or both; never a secret. */
const naming = [
  "bucket",
  "family",
  "function_name",
  "identifier",
  "name",
  "path",
  "repository",
  "resource_id",
  "role",
  "scalable_dimension",
  "service_namespace",
  "statement_id",
];

/** Of what a plan would make. */
export function listIntents(changes: readonly ResourceChange[]): Intent[] {
  return changes
    .filter(({ actions }) => actions.includes("create"))
    .map(({ address, type, after, id }) => ({
      address,
      type,
      identity: { ...identityOf(after), ...(id !== undefined && { replaces: id }) },
    }));
}

/** @param values the arguments of a resource as far as they are known */
export function identityOf(values: Readonly<Record<string, unknown>>): Identity {
  const names = naming.flatMap((name) => {
    const value = values[name];
    return typeof value === "string" ? [[name, value] as const] : [];
  });
  const { tags } = values;
  const tagged = typeof tags === "object" && tags !== null ? Object.entries(tags) : [];
  return {
    tags: Object.fromEntries(
      tagged.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    ),
    names: Object.fromEntries(names),
  };
}
