// A root module as Terraform JSON: the same blocks give the same text. (https://developer.hashicorp.com/terraform/language/syntax/json)
import { escape, isTemplate, type Block, type Text } from "./block.ts";

export type Provider = { source: string; version: string; settings: object };

export type Root = {
  /** Of Terraform itself. */
  version: string;
  providers: Readonly<Record<string, Provider>>;
  backend?: { type: string; settings: object };
  blocks: readonly Block[];
  outputs: Readonly<Record<string, Output>>;
};

export type Output = { description: string; value: Text; sensitive?: true };

/** @throws Error when two blocks have one address */
export function buildRoot({ version, providers, backend, blocks, outputs }: Root): string {
  const entries = Object.entries(providers);
  const requirements = entries.map(([name, { source, version }]) => [name, { source, version }]);
  const root = {
    terraform: {
      required_version: version,
      required_providers: Object.fromEntries(requirements) as object,
      ...(backend && { backend: { [backend.type]: backend.settings } }),
    },
    provider: Object.fromEntries(entries.map(([name, { settings }]) => [name, settings])),
    data: nest(blocks.filter(({ kind }) => kind === "data")),
    resource: nest(blocks.filter(({ kind }) => kind === "resource")),
    output: outputs,
  };
  const filled = Object.entries(root).filter(([, part]) => Object.keys(part).length > 0);
  return `${JSON.stringify(render(Object.fromEntries(filled)), null, 2)}\n`;
}

function nest(blocks: readonly Block[]): Record<string, Record<string, object>> {
  const found: Record<string, Record<string, object>> = {};
  for (const { type, name, body } of blocks) {
    const named = (found[type] ??= {});
    if (Object.hasOwn(named, name)) throw new Error(`${type}.${name} is there twice`);
    named[name] = body;
  }
  return found;
}

/** Sorted by key, so that a change of what made it shows as a change of what it says only. */
function render(value: unknown): unknown {
  if (typeof value === "string") return escape(value);
  if (isTemplate(value)) return value.template;
  if (Array.isArray(value)) return value.map(render);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  const sorted = entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(sorted.map(([key, one]) => [key, render(one)]));
}
