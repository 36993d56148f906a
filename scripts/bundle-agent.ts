// The agent as one file, which runs wherever Node does; as a program of its own it prints the file.
import { join } from "node:path";
import process from "node:process";
import { build, type BuildOptions } from "esbuild";

const root = join(import.meta.dirname, "..");

/** What all of Sesta's bundles have in common. */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  // CommonJS parts of dependencies ask for Node's own modules by `require`.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
} as const satisfies BuildOptions;

/** Equal sources give equal text. */
export async function bundleAgent(): Promise<string> {
  const { outputFiles } = await build({
    ...bundleOptions,
    entryPoints: ["src/agent/main.ts"],
    legalComments: "inline",
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

if (import.meta.main) process.stdout.write(await bundleAgent());
