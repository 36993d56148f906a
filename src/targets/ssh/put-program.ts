// Puts a program of Sesta's on a host, named by its content, so that those who run an older one go on with it.
import { basename, dirname, join } from "node:path/posix";
import type { Machine } from "../../machine/machine.ts";
import type { ProgramSource } from "../target.ts";
import { buildOf } from "./agent-way.ts";

/** Its path there, in `folder`. */
export async function putProgram(
  machine: Machine,
  source: Pick<ProgramSource, "load">,
  folder: string,
  detail: (text: string) => void,
): Promise<string> {
  const text = await source.load();
  const program = join(folder, `${buildOf(text)}.mjs`);
  if ((await machine.run(["test", "-e", program])).exitCode !== 0)
    await machine.put({ [basename(program)]: text }, dirname(program));
  detail(program);
  return program;
}
