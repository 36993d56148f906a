// A function as Lambda runs it: imports the file that it is told, and hands it the events that its parent sends.
import { pathToFileURL } from "node:url";

type Module = { handler(event: unknown): Promise<unknown> };

const { handler } = (await import(pathToFileURL(process.argv[2] ?? "").href)) as Module;
process.on("message", async ({ id, event }: { id: number; event: unknown }) => {
  process.send?.({ id, result: await handler(event) });
});
process.send?.("ready");
