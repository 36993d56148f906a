// Lets `${secret.x}` stand unquoted anywhere, as the project file shows it.

/** `{ token: ${secret.x} }` is no YAML, for the brace opens a mapping; same-length stand-ins let it be written so. */
export function shieldReferences(text: string): string {
  return text.replace(/\$\{((?:env|secret)\.[A-Za-z0-9_-]+)\}/g, "$$\uE000$1\uE001");
}

export function restoreReferences(text: string): string {
  return text.replace(/\$\uE000((?:env|secret)\.[A-Za-z0-9_-]+)\uE001/g, "${$1}");
}
