// Names of branches, as git allows them.

/** git-check-ref-format(1), of the part after refs/heads/. */
export function isBranchName(text: string): boolean {
  if (text === "" || text.length > 200 || text === "@" || text === "HEAD") return false;
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/.test(text)) return false;
  if (text.startsWith("refs/")) return false; // git allows it; whoever writes it means the branch after refs/heads/
  return text.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"));
}
