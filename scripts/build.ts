// Bundles the published form: one file for each executable, shared parts in chunks that load when they are needed.
// As a program of its own it does so in dist/.
import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { bundleAgent, bundleOptions } from "./bundle-agent.ts";
import { bundleAcme } from "./bundle-acme.ts";
import { bundleWake } from "./bundle-wake.ts";
import { bundleModelServer } from "./bundle-model-server.ts";

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

/** @param outdir holds nothing else afterwards */
export async function buildPublishedForm(outdir: string): Promise<void> {
  await rm(outdir, { recursive: true, force: true });
  await build({
    ...bundleOptions,
    entryPoints: { sesta: "src/main.ts" },
    outdir,
    splitting: true,
    legalComments: "linked",
  });
  await writeFile(join(outdir, "agent.js"), await bundleAgent());
  await writeFile(join(outdir, "model-server.mjs"), await bundleModelServer());
  await writeFile(join(outdir, "acme.mjs"), await bundleAcme());
  await writeFile(join(outdir, "wake.zip"), (await bundleWake()).zip);
  await writeFile(join(outdir, "main.js"), firstStage);
  await chmod(join(outdir, "main.js"), 0o755);
}

if (import.meta.main) await buildPublishedForm(join(import.meta.dirname, "..", "dist"));
