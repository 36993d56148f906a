// The part of onnxruntime that serves models: its version, and which of its files a machine needs.

/**
 * The version whose native part the model server knows. It runs a model while the caller waits, so that what it
 * answers needs no promise; its JavaScript would add promises, checks and 30 ms to every start. (onnxruntime, js/node/src)
 */
export const runtimeVersion = "1.30.0";

/**
 * The native part of a platform, below the folder of the package onnxruntime-node. These two files in one folder are
 * enough (`--runtime FOLDER`): 46 MB of the package's 270 on Linux with Intel processors, 18 when packed.
 */
export function listRuntimeFiles(platform: string, arch: string): string[] {
  const library = platform === "darwin" ? `libonnxruntime.${runtimeVersion}.dylib` : "libonnxruntime.so.1";
  return ["onnxruntime_binding.node", library].map((name) => `bin/napi-v6/${platform}/${arch}/${name}`);
}
