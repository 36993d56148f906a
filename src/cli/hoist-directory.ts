// Lets `-C DIR` stand before the verb, as with git and make.

export function hoistDirectory(argv: readonly string[]): string[] {
  const [first = ""] = argv;
  const length = first.startsWith("--directory=") ? 1 : first === "-C" || first === "--directory" ? 2 : 0;
  const [verb, ...rest] = argv.slice(length);
  if (verb === undefined) return [...argv];
  // Of two words, as `pipeline run`.
  const words = verb === "pipeline" && rest[0]?.startsWith("-") === false ? 1 : 0;
  return [verb, ...rest.slice(0, words), ...argv.slice(0, length), ...rest.slice(words)];
}
