// The version that is installed is the one that the server knows.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { listRuntimeFiles, runtimeVersion } from "./model-runtime.ts";

test("the same version in package.json, for the converter, and here", () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const { optionalDependencies } = JSON.parse(read("package.json")) as {
    optionalDependencies: Record<string, string>;
  };
  expect(optionalDependencies["onnxruntime-node"]).toBe(runtimeVersion);
  expect(read("src/workloads/service/convert/requirements.in")).toContain(`onnxruntime==${runtimeVersion}\n`);
});

test("two files a platform", () => {
  expect(listRuntimeFiles("linux", "arm64")).toEqual([
    "bin/napi-v6/linux/arm64/onnxruntime_binding.node",
    "bin/napi-v6/linux/arm64/libonnxruntime.so.1",
  ]);
  expect(listRuntimeFiles("darwin", "arm64")[1]).toBe(
    `bin/napi-v6/darwin/arm64/libonnxruntime.${runtimeVersion}.dylib`,
  );
});
