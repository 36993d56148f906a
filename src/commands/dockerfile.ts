// What a Dockerfile says of the images that it builds on.

/** Names of images from outside, each once; stages of its own and `scratch` are none. */
export function listBaseImages(dockerfile: string): string[] {
  const stages = new Set(["scratch"]);
  const found = new Set<string>();
  for (const line of dockerfile.replaceAll(/\\\r?\n/g, " ").split(/\r?\n/)) {
    const [, name, stage] = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line) ?? [];
    if (name === undefined) continue;
    if (!stages.has(name.toLowerCase()) && !name.includes("$")) found.add(name);
    if (stage !== undefined) stages.add(stage.toLowerCase());
  }
  return [...found];
}
