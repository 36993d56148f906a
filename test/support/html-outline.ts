// Reads HTML as strictly as the pages are written, and gives its skeleton: tags and attribute names, no values, no text.

/**
 * `["<a href>", "</a>"]` and so on, in order. Throws on anything but plain tags with double-quoted or bare attributes,
 * and on text with `<` or `>` in it.
 */
export function readOutline(page: string): string[] {
  const outline: string[] = [];
  const piece =
    /<(!doctype html)>|<(\/?[a-zA-Z][a-zA-Z0-9]*)((?:\s+[a-zA-Z0-9-]+(?:="[^"<>]*")?)*)\s*\/?>|[^<>]+/y;
  while (piece.lastIndex < page.length) {
    const at = piece.lastIndex;
    const found = piece.exec(page);
    if (found === null) throw new Error(`not plain HTML at ${at}: ${page.slice(at, at + 80)}`);
    const [, , tag, attributes = ""] = found;
    if (tag !== undefined) outline.push(`<${[tag, ...readNames(attributes)].join(" ")}>`);
  }
  return outline;
}

function readNames(attributes: string): string[] {
  return [...attributes.matchAll(/\s([a-zA-Z0-9-]+)(?:="[^"]*")?/g)].map(([, name = ""]) => name);
}
