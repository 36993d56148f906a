// Lets `-C DIR` stand before the verb, as with git and make.

export function hoistDirectory(argv: readonly string[]): string[] {
  const [first, folder, verb, ...rest] = argv;
  if (first === "-C" && folder !== undefined && verb !== undefined) return [verb, "-C", folder, ...rest];
  return [...argv];
}
