// Puts the model server and onnxruntime on a host: two native files, and one of Sesta's own, named by its content.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { join as joinHere } from "node:path";
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";
import { listRuntimeFiles, runtimeVersion } from "../../model/model-runtime.ts";
import { requireRuntime } from "../model-runtime.ts";
import type { ModelServerPlace, ModelServerSource } from "../target.ts";
import { putProgram } from "./put-program.ts";

/** @param cache the folder of what projects share there. @param node the Node that the agent runs on */
export async function putModelServer(
  machine: Machine,
  source: ModelServerSource,
  { cache, node, signal }: { cache: string; node: string; signal: AbortSignal },
  detail: (text: string) => void,
): Promise<ModelServerPlace> {
  const { system, arch } = await machine.facts();
  const files = listRuntimeFiles(system, arch);
  const folder = requireRuntime(source);
  const missing = files.find((file) => !existsSync(joinHere(folder, file)));
  if (missing !== undefined) {
    throw new SestaError("UNSUPPORTED", `onnxruntime ${runtimeVersion} has no build for ${system} ${arch}`, {
      where: machine.name,
      hint: "Serve the model with an application of its own there: `command:` or `build:`.",
    });
  }
  const place = join(cache, `onnxruntime-${runtimeVersion}`);
  const [binding = ""] = files;
  const runtime = join(place, dirname(binding));
  const isThere = await machine.run(["test", "-e", join(place, ".complete")]);
  if (isThere.exitCode !== 0) {
    detail("sending onnxruntime");
    await machine.upload({ folder, files }, place, { signal });
    await machine.put({ ".complete": "" }, place);
  }
  const program = await putProgram(machine, source, join(cache, "model-server"), detail);
  return { node, program, runtime };
}
