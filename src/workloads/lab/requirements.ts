// The lines of a requirements file that matter.

/** Without comments, blank lines and continuation marks. */
export function parseRequirements(text: string): string[] {
  return text
    .replace(/\\\r?\n/g, " ")
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim())
    .filter((line) => line !== "");
}
