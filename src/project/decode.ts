// UTF-8 bytes to text; says where the first byte is that does not belong.

export type Decoded = { text: string } | { problem: string; line: number; column: number };

export function decodeUtf8(bytes: Uint8Array): Decoded {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { problem: "the file is UTF-16: save it as UTF-8", line: 1, column: 1 };
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    const before = new TextDecoder().decode(bytes).split("\uFFFD", 1)[0] ?? "";
    const lines = before.split("\n");
    return {
      problem: "this is not UTF-8: save the file as UTF-8",
      line: lines.length,
      column: (lines.at(-1) ?? "").length + 1,
    };
  }
}
