// A YAML value together with where each part of it stands in the text.

export type Path = readonly (string | number)[];

export type Located = {
  /** Plain JSON-like data, `${…}` as written. */
  value: unknown;
  /** Offset of the value. */
  at: number;
  /** Offset of its key, or of the value where it has none. */
  keyAt: number;
  /** What stands in the text where YAML reads something else: `3.10` for the number 3.1. */
  source?: string;
  children: ReadonlyMap<string | number, Located>;
};

/** A finding, and the offset in the text that it points at. */
export type Finding = { at: number; message: string };

export function findLocated(root: Located, path: Path): Located | undefined {
  let here: Located | undefined = root;
  for (const step of path) here = here?.children.get(step);
  return here;
}

/** Undefined where there is none. */
export function valueAt(root: Located, path: Path): unknown {
  return findLocated(root, path)?.value;
}

/** The offset of a value; of the nearest mapping's key above it when it is missing. */
export function getOffset(root: Located, path: Path): number {
  const here = findLocated(root, path);
  if (here) return here.at;
  const parent = path.slice(0, -1);
  if (path.length === 0) return root.at;
  return findLocated(root, parent)?.keyAt ?? getOffset(root, parent);
}

/** The offset of a key. */
export function getKeyOffset(root: Located, path: Path): number {
  return findLocated(root, path)?.keyAt ?? getOffset(root, path);
}

/** Names of the workloads that say they are of this type. */
export function findNamed(root: Located, type: string): string[] {
  const workloads = findLocated(root, ["workloads"])?.children ?? new Map<string | number, Located>();
  return [...workloads].flatMap(([name, workload]) =>
    typeof name === "string" && workload.children.get("type")?.value === type ? [name] : [],
  );
}
