// Which files of the package onnxruntime-node run a model: its native part, and none of its JavaScript.

/**
 * The version whose native part is known here. It runs a model while the caller waits, so that what it answers needs
 * no promise; its JavaScript would add promises, checks and 30 ms to every start. (onnxruntime, js/node/src)
 */
export const runtimeVersion = "1.30.0";

/** The native part of a platform, below the package's folder. */
export function listRuntimeFiles(platform: string, arch: string): string[] {
  const library = platform === "darwin" ? `libonnxruntime.${runtimeVersion}.dylib` : "libonnxruntime.so.1";
  return ["onnxruntime_binding.node", library].map((name) => `bin/napi-v6/${platform}/${arch}/${name}`);
}
