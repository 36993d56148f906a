// The agent as one file, which runs wherever Node does; as a program of its own it prints the file.
import { join } from "node:path";
import process from "node:process";
import { build, type BuildOptions, type Plugin } from "esbuild";

const root = join(import.meta.dirname, "..");

/**
 * An import of node:crypto reads everything that it exports, and so loads the Web Crypto API, which nothing here uses:
 * over 10 ms of every start. Asked for by name it does not.
 */
const lazyCrypto: Plugin = {
  name: "lazy-crypto",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:crypto$/ }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

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
    js: 'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
  },
  plugins: [lazyCrypto],
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
