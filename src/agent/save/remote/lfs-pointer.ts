// The few lines that stand for a large file in a commit (git-lfs: docs/spec.md).

export type Pointer = { oid: string; sizeBytes: number };

/** A blob that is larger is no pointer. */
export const longestPointerBytes = 1024;

export function buildPointer({ oid, sizeBytes }: Pointer): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${sizeBytes}\n`;
}

/** Undefined for every other content. */
export function parsePointer(content: Uint8Array): Pointer | undefined {
  if (content.length > longestPointerBytes) return undefined;
  const text = Buffer.from(content).toString("latin1");
  const found =
    /^version https:\/\/(?:git-lfs\.github\.com|hawser\.github\.com)\/spec\/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n$/.exec(
      text,
    );
  const [, oid, size] = found ?? [];
  return oid !== undefined && size !== undefined ? { oid, sizeBytes: Number(size) } : undefined;
}
