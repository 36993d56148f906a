// The model server as one file, without onnxruntime, which is found beside it; as a program of its own it prints the file.
import process from "node:process";
import { build } from "esbuild";
import { bundleOptions } from "./bundle-agent.ts";

/** Equal sources give equal text. */
export async function bundleModelServer(): Promise<string> {
  const { outputFiles } = await build({
    ...bundleOptions,
    entryPoints: ["src/model-server/main.ts"],
    legalComments: "inline",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

if (import.meta.main) process.stdout.write(await bundleModelServer());
