// Notebook files through Jupyter's contents API: made, saved with their outputs, read again.
import { randomUUID } from "node:crypto";
import type { Output } from "./kernel.ts";
import type { Visitor } from "./visitor.ts";

/** Makes an empty notebook in the workspace; its path. */
export async function makeNotebook(visitor: Visitor): Promise<string> {
  const made = await visitor.request("/api/contents", { method: "POST", json: { type: "notebook" } });
  return ((await made.json()) as { path: string }).path;
}

/** Saves it with one cell that has run. */
export async function saveNotebook(
  visitor: Visitor,
  path: string,
  code: string,
  outputs: readonly Output[],
): Promise<void> {
  const cell = {
    cell_type: "code",
    id: randomUUID(),
    metadata: {},
    execution_count: 1,
    source: code,
    outputs,
  };
  const kernelspec = { name: "python3", display_name: "Python 3", language: "python" };
  const content = { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: [cell] };
  await visitor.request(`/api/contents/${encodeURIComponent(path)}`, {
    method: "PUT",
    json: { type: "notebook", format: "json", content },
  });
}

/** What the first cell of the saved notebook printed. */
export async function readPrinted(visitor: Visitor, path: string): Promise<string> {
  const saved = await visitor.request(`/api/contents/${encodeURIComponent(path)}?content=1`);
  const { content } = (await saved.json()) as { content: { cells: { outputs: Output[] }[] } };
  return printed(content.cells[0]?.outputs ?? []);
}

export function printed(outputs: readonly Output[]): string {
  return outputs.map(({ text, evalue }) => String(text ?? evalue ?? "")).join("");
}
