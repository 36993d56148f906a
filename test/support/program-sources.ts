// What is put on machines beside the agent, as a checkout has it.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { bundleAcme } from "../../scripts/bundle-acme.ts";
import { bundleModelServer } from "../../scripts/bundle-model-server.ts";
import type { ModelServerSource, ProgramSource } from "../../src/targets/target.ts";

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

export const acmeClientSource: ProgramSource = {
  node: process.execPath,
  program: join(import.meta.dirname, "../../src/acme/main.ts"),
  load: bundleAcme,
};
