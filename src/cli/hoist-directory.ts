// Lets `-C DIR` stand before the verb, as with git and make.

export function hoistDirectory(argv: readonly string[]): string[] {
  const [first = ""] = argv;
  const length = first.startsWith("--directory=") ? 1 : first === "-C" || first === "--directory" ? 2 : 0;
  const [verb, ...rest] = argv.slice(length);
  return verb === undefined ? [...argv] : [verb, ...argv.slice(0, length), ...rest];
}
