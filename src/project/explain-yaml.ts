// The errors of the YAML parser as sentences for a person.
import type { YAMLError } from "yaml";
import type { Finding } from "./located.ts";

/** One mistake makes the parser stumble on: what follows on the same line is its echo. */
export function explainYamlErrors(
  errors: readonly YAMLError[],
  lineOf: (offset: number) => number,
): Finding[] {
  const seen = new Set<number>();
  return errors
    .map(explain)
    .toSorted((a, b) => a.at - b.at)
    .filter(({ at }) => {
      const line = lineOf(at);
      if (seen.has(line)) return false;
      seen.add(line);
      return true;
    });
}

/** In own words: the parser's repeat parts of the file, and so perhaps of a secret. */
function explain(error: YAMLError): Finding {
  const at = error.pos[0];
  switch (error.code) {
    case "TAB_AS_INDENT":
      return { at, message: "a tab cannot indent in YAML: use spaces" };
    case "BAD_SCALAR_START":
      return { at, message: "a value cannot begin with this character in YAML: put it in quotes" };
    case "BAD_DQ_ESCAPE":
      return {
        at,
        message: "a backslash means something in double quotes: use single quotes, or write it twice",
      };
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return {
        at,
        message:
          "a second `key:` where a value is expected: check the indentation, or put the value in quotes",
      };
    case "BAD_INDENT":
      return { at, message: "the indentation does not fit what stands above it, or a bracket is not closed" };
    case "MISSING_CHAR":
      return {
        at,
        message: "something is missing here: a colon after a key, a comma, or a closing quote or bracket",
      };
    case "MULTIPLE_DOCS":
      return { at, message: "a second YAML document (---) begins here: the file may hold only one" };
    case "BAD_ALIAS":
    case "ALIAS_PROPS":
    case "MULTIPLE_ANCHORS":
      return {
        at,
        message:
          "a value that begins with * or & is an alias or anchor in YAML, and this one is malformed: put it in quotes",
      };
    case "RESOURCE_EXHAUSTION":
      return { at, message: "lists and mappings are nested too deeply" };
    default:
      return { at, message: "this is not valid YAML: check indentation, quotes and brackets" };
  }
}
