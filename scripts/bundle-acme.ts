// What gets certificates as one file; as a program of its own it prints the file.
import process from "node:process";
import { build } from "esbuild";
import { bundleOptions } from "./bundle-agent.ts";

/** Equal sources give equal text. */
export async function bundleAcme(): Promise<string> {
  const { outputFiles } = await build({
    ...bundleOptions,
    plugins: [], // it does use the Web Crypto API
    entryPoints: ["src/acme/main.ts"],
    legalComments: "inline",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

if (import.meta.main) process.stdout.write(await bundleAcme());
