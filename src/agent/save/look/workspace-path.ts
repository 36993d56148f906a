// Paths of entries in a workspace: names with slashes between them; "" is the workspace itself.

export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** In one piece: V8 keeps the parts of a string that `+` made, and thousands of these stay in memory. */
export function pathOf(folder: string, name: string): string {
  return folder === "" ? name : [folder, name].join("/");
}

/** The folders above, the nearest first, without the workspace itself. */
export function listAbove(path: string): string[] {
  const above: string[] = [];
  for (let folder = parentOf(path); folder !== ""; folder = parentOf(folder)) above.push(folder);
  return above;
}
