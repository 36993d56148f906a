// YAML text to plain values with positions; refuses the parts of YAML that hide what a file says.
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import type { Document, Pair } from "yaml";
import { explainYamlErrors } from "./explain-yaml.ts";
import { isSecretPlace, placeName } from "./places.ts";
import type { Finding, Located, Path } from "./located.ts";
import { restoreReferences, shieldReferences } from "./shield-references.ts";
import { quote } from "./wording.ts";

export type Parsed = {
  /** Undefined when the text is no YAML at all: nothing can be said about its content then. */
  root: Located | undefined;
  findings: Finding[];
  /** Line and column, both from 1, of an offset. */
  locate(offset: number): { line: number; column: number };
};

const maxNodes = 20_000; // after following aliases: a "billion laughs" stops here
const maxAliases = 100;
const maxDepth = 32;

export function parseYaml(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(shieldReferences(text), {
    lineCounter: lines,
    logLevel: "error", // "silent" would also pass over a second document
    merge: false,
    prettyErrors: false, // they quote the line, which may hold a secret
    resolveKnownTags: false,
    schema: "core",
    uniqueKeys: false, // the check is quadratic; the one below is not
  });
  const locate = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const control = controlCharacters(text);
  const errors = explainYamlErrors(document.errors, (offset) => locate(offset).line);
  if (control.length > 0 || errors.length > 0)
    return { root: undefined, findings: [...control, ...errors], locate };

  const findings: Finding[] = [];
  if (document.directives?.yaml.explicit) {
    findings.push({ at: 0, message: "a %YAML line changes how values are read: remove it" });
  }
  const root = createWalker(document, findings).walk(document.contents, { at: 0, keyAt: 0 }, []);
  return { root, findings, locate };
}

/** YAML 1.2.2, section 5.1, allows no control character but tab and line ends. */
function controlCharacters(text: string): Finding[] {
  // oxlint-disable-next-line no-control-regex
  const found = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(text);
  if (!found) return [];
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  return [{ at: found.index, message: `a control character (U+${code}) cannot stand in this file` }];
}

type Place = { at: number; keyAt: number };

function createWalker(document: Document.Parsed, findings: Finding[]) {
  let nodes = 0;
  let aliases = 0;
  let stopped = false;
  const none = (place: Place): Located => ({ value: null, ...place, children: new Map() });

  function stop(place: Place, message: string): Located {
    if (!stopped) findings.push({ at: place.at, message });
    stopped = true;
    return none(place);
  }

  function walk(node: unknown, outer: Place, path: Path): Located {
    if (stopped) return none(outer);
    const place = { at: rangeStart(node) ?? outer.at, keyAt: outer.keyAt };
    nodes += 1;
    if (nodes > maxNodes)
      return stop(place, `the file has more than ${maxNodes} values, aliases (*name) included`);
    if (path.length > maxDepth) return stop(place, "lists and mappings are nested too deeply");
    if (isAlias(node)) {
      aliases += 1;
      if (aliases > maxAliases) return stop(place, `the file has more than ${maxAliases} aliases (*name)`);
      const target = node.resolve(document);
      if (target) return { ...walk(target, place, path), ...place };
      findings.push({
        at: place.at,
        message:
          "a value that begins with * is an alias in YAML, and nothing has this name: put it in quotes",
      });
      return none(place);
    }
    if (hasTag(node))
      findings.push({
        at: place.at,
        message: "a value that begins with ! is a tag in YAML, and none is used here: put it in quotes",
      });
    if (isMap(node)) return walkMap(node.items, place, path);
    if (isSeq(node)) {
      const children = new Map(
        node.items.map((item, index) => [
          index,
          walk(item, { at: rangeStart(item) ?? place.at, keyAt: rangeStart(item) ?? place.at }, [
            ...path,
            index,
          ]),
        ]),
      );
      return { value: [...children.values()].map((child) => child.value), ...place, children };
    }
    if (!isScalar(node)) return none(place);
    const value: unknown = typeof node.value === "string" ? restoreReferences(node.value) : node.value;
    return {
      value,
      ...place,
      ...(node.source === undefined ? {} : { source: node.source }),
      children: new Map(),
    };
  }

  function walkMap(items: Pair[], place: Place, path: Path): Located {
    const value: Record<string, unknown> = {};
    const children = new Map<string, Located>();
    for (const { key: keyNode, value: node } of items) {
      const keyAt = rangeStart(keyNode) ?? place.at;
      const key = keyText(keyNode);
      if (key === undefined) findings.push({ at: keyAt, message: "a key must be a plain word" });
      else if (key === "<<")
        findings.push({ at: keyAt, message: "merge keys (<<) are not read: write the values out" });
      else if (key === "__proto__")
        findings.push({ at: keyAt, message: `unknown key "__proto__"${placeName(path)}` });
      else if (children.has(key)) {
        findings.push({
          at: keyAt,
          message: `duplicate key${isSecretPlace(path) ? "" : ` ${quote(key)}`}${placeName(path)}`,
        });
      } else {
        const child = walk(node, { at: rangeStart(node) ?? keyAt, keyAt }, [...path, key]);
        children.set(key, child);
        value[key] = child.value;
      }
    }
    return { value, ...place, children };
  }

  return { walk };
}

function rangeStart(node: unknown): number | undefined {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : undefined;
}

function hasTag(node: unknown): boolean {
  return typeof node === "object" && node !== null && "tag" in node && node.tag !== undefined;
}

function keyText(node: unknown): string | undefined {
  if (!isScalar(node) || hasTag(node) || node.value === null) return undefined;
  return restoreReferences(typeof node.value === "string" ? node.value : (node.source ?? String(node.value)));
}
