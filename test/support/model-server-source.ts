// The model server as a checkout has it.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundleModelServer } from "../../scripts/bundle-model-server.ts";
import type { ModelServerSource } from "../../src/targets/target.ts";

export const modelServerSource: ModelServerSource = {
  node: process.execPath,
  program: join(import.meta.dirname, "../../src/model-server/main.ts"),
  load: bundleModelServer,
  findRuntime() {
    try {
      return dirname(createRequire(import.meta.url).resolve("onnxruntime-node/package.json"));
    } catch {
      return undefined;
    }
  },
};
