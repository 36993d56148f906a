// The commands of a model's server: what brings onnxruntime to it, and its own.
import { runtimeVersion } from "../../model/model-runtime.ts";

type ModelServer = {
  node: string;
  /** The bundled server. */
  program: string;
  model: string;
  name: string;
  /** What the protocol calls the model's version; a release's number. */
  version?: string | undefined;
  host: string;
  /** Undefined: $PORT. */
  port?: number | undefined;
  /** Undefined: one for each core. */
  workers?: number | undefined;
  /** The folder of onnxruntime's native files, where they are not in node_modules beside the program. */
  runtime?: string | undefined;
};

// A request leaves nothing behind: a small young generation and collecting on the same thread save 20 MB a worker and cost
// nothing that a measure shows (bench/model-server.ts).
const nodeOptions = ["--max-semi-space-size=1", "--single-threaded"];

export function buildModelServer(server: ModelServer): [string, ...string[]] {
  const { node, program, model, name, version, host, port, workers, runtime } = server;
  return [
    node,
    ...nodeOptions,
    program,
    "--model",
    model,
    "--name",
    name,
    ...(version === undefined ? [] : ["--version", version]),
    "--host",
    host,
    ...(port === undefined ? [] : ["--port", String(port)]),
    ...(workers === undefined ? [] : ["--workers", String(workers)]),
    ...(runtime === undefined ? [] : ["--runtime", runtime]),
  ];
}

/**
 * Puts the package below `folder`, where it is missing. Without its install script, which would download CUDA; of what
 * it brings, `listRuntimeFiles` are used.
 */
export function buildRuntimeInstall(npm: string, folder: string): [string, ...string[]] {
  const quiet = ["--no-save", "--no-audit", "--no-fund"];
  return [
    npm,
    "install",
    "--prefix",
    folder,
    "--ignore-scripts",
    ...quiet,
    `onnxruntime-node@${runtimeVersion}`,
  ];
}
