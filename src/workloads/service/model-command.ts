// The command of a model's server, and the files that it needs on a machine.

type ModelServer = {
  node: string;
  /** The bundled server. */
  program: string;
  model: string;
  name: string;
  /** What the protocol calls the model's version; a release's number. */
  version?: string | undefined;
  host: string;
  port: number;
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
    "--port",
    String(port),
    ...(workers === undefined ? [] : ["--workers", String(workers)]),
    ...(runtime === undefined ? [] : ["--runtime", runtime]),
  ];
}
