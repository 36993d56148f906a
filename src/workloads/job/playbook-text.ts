// Puts plays into YAML as a person would write it: a comment above what needs one, long lines folded, scripts as they are.
import { Document, isMap, isScalar, isSeq, Scalar, visit } from "yaml";

/** Its keys keep their order; `comment` goes above it. */
export type Task = { readonly [key: string]: unknown };

const width = 110;
const longestLine = 160; // of ansible-lint's rule for line length

/** @param head lines of the comment at the top @param comments by variable of the first play, above it */
export function buildPlaybookText(
  head: readonly string[],
  plays: readonly Task[],
  comments: Readonly<Record<string, string>>,
): string {
  const document = new Document(plays, { aliasDuplicateObjects: false });
  if (isSeq(document.contents))
    for (const play of document.contents.items.slice(1)) if (isMap(play)) play.spaceBefore = true;
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === "string") layOut(node);
    },
    Pair(_key, pair) {
      const key = isScalar(pair.key) ? pair.key : undefined;
      if (key?.value === "tasks" && isSeq(pair.value))
        for (const task of pair.value.items.slice(1)) if (isMap(task)) task.spaceBefore = true;
      if (key?.value === "vars" && isMap(pair.value))
        for (const { key: name } of pair.value.items) {
          const comment = isScalar(name) ? comments[String(name.value)] : undefined;
          if (isScalar(name) && comment !== undefined) name.commentBefore = ` ${comment}`;
        }
    },
  });
  const body = document.toString({ lineWidth: width, indentSeq: true, flowCollectionPadding: true });
  const rules = body.split("\n").some((line) => line.length > longestLine)
    ? ["yamllint disable rule:line-length"]
    : [];
  return `${[...head, ...rules].map((line) => `# ${line}`.trimEnd()).join("\n")}\n---\n${body}`;
}

/** What Ansible would take for a template is marked as none; only this file's own templates are filled in. */
export function literal(text: string): Scalar | string {
  if (!/\{[{%#]/.test(text)) return text;
  const scalar = new Scalar(text);
  scalar.tag = "!unsafe";
  return scalar;
}

/** The same within a text that has templates of this file's own. */
export function inert(text: string): string {
  return text.replaceAll(/\{[{%#]/g, (begin) => `{{ '${begin}' }}`);
}

function layOut(node: Scalar): void {
  const text = String(node.value);
  if (text.includes("\n")) node.type = Scalar.BLOCK_LITERAL;
  else if (text.length > width - 20 && !/^\s|\s$| {2}/.test(text)) node.type = Scalar.BLOCK_FOLDED;
}
