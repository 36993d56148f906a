// Bundles the published form: one file for each executable, shared parts in chunks that load when they are needed.
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const outdir = join(root, "dist");

// What every Node since 12 understands, so that an old one gets a sentence. The rest of Sesta is loaded behind it.
const firstStage = `#!/usr/bin/env node
var version = process.versions.node;
if (Number(version.split(".")[0]) < 24) {
  process.stderr.write("sesta needs Node 24 or later; this is Node " + version + ".\\n");
  process.exitCode = 1;
} else {
  process.removeAllListeners("warning");
  process.on("warning", function (warning) {
    if (warning.name !== "ExperimentalWarning") process.stderr.write(String(warning) + "\\n");
  });
  import("./sesta.js");
}
`;

await rm(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { sesta: "src/main.ts", agent: "src/agent/main.ts" },
  outdir,
  bundle: true,
  splitting: true,
  platform: "node",
  format: "esm",
  target: "node24",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "linked",
  // CommonJS parts of dependencies ask for Node's own modules by `require`.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});
await writeFile(join(outdir, "main.js"), firstStage);
await chmod(join(outdir, "main.js"), 0o755);
