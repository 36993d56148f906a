// XML as a tree of elements: no attributes, no text between elements.
import { SaxesParser } from "saxes";

export type Element = { name: string; text: string; children: Element[] };

/** @throws Error where it is not well-formed */
export function readXml(xml: string): Element {
  const top: Element = { name: "", text: "", children: [] };
  const open = [top];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name }) => {
    const element = { name, text: "", children: [] };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on("text", (text) => {
    const element = open.at(-1);
    if (element) element.text += text;
  });
  parser.on("closetag", () => open.pop());
  parser.write(xml).close();
  return top;
}

/** All elements at a path below this one: `findAll(top, "Response", "Errors", "Error")`. */
export function findAll(element: Element, ...path: readonly string[]): Element[] {
  return path.reduce<Element[]>(
    (found, name) => found.flatMap(({ children }) => children.filter((child) => child.name === name)),
    [element],
  );
}

/** Text of the first element at a path; undefined where there is none, or an empty one. */
export function findText(element: Element, ...path: readonly string[]): string | undefined {
  return findAll(element, ...path)[0]?.text.trim() || undefined;
}
