// The graph of a pipeline's stages: every need exists, none leads back to itself.
import { findLocated, getOffset, valueAt } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { suggest } from "./suggest.ts";
import { quote } from "./wording.ts";

/** @param path of the pipeline */
export function checkNeeds(root: Located, path: Path): Finding[] {
  const children = findLocated(root, path)?.children ?? new Map<string | number, Located>();
  const names = [...children.keys()].map(String);
  if (names.length === 0 && findLocated(root, path))
    return [{ at: getOffset(root, path), message: "a pipeline needs at least one stage" }];
  const needs = new Map(names.map((name) => [name, listNeeds(root, [...path, name])]));
  const isManual = (name: string) => valueAt(root, [...path, name, "when"]) === "manual";
  return names.flatMap((name): Finding[] =>
    (needs.get(name) ?? []).flatMap(({ need, at }): Finding[] => {
      if (!names.includes(need)) {
        const help = suggest(need, names) || "; the pipeline has no such stage";
        return [{ at, message: `unknown stage ${quote(need)}${help}` }];
      }
      const way = findWay(needs, need, name);
      if (way?.some((other) => names.indexOf(other) < names.indexOf(name))) return []; // said there
      if (way) return [{ at, message: `stages need each other in a circle: ${[name, ...way].join(" → ")}` }];
      if (isManual(need) && !isManual(name))
        return [{ at, message: `${quote(need)} runs only when it is named, so ${name} would never run` }];
      return [];
    }),
  );
}

type Need = { need: string; at: number };

function listNeeds(root: Located, path: Path): Need[] {
  return [...(findLocated(root, [...path, "needs"])?.children.values() ?? [])].flatMap(({ value, at }) =>
    typeof value === "string" ? [{ need: value, at }] : [],
  );
}

/** The stages on a shortest way from one to another, both among them. */
function findWay(
  needs: ReadonlyMap<string, readonly Need[]>,
  from: string,
  to: string,
): string[] | undefined {
  const ways = new Map([[from, [from]]]);
  for (const [name, way] of ways) {
    if (name === to) return way;
    for (const { need } of needs.get(name) ?? []) if (!ways.has(need)) ways.set(need, [...way, need]);
  }
  return undefined;
}
