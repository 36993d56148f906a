// Each server of the measure: how it is installed, started, and asked. What cannot be had is left out, with the reason.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildModelServer } from "../../src/workloads/service/model-command.ts";
import { bundleModelServer } from "../../scripts/bundle-model-server.ts";
import { findModelFiles } from "../../test/support/model-files.ts";
import { makePythonPeer } from "../support/python-peer.ts";

export type Subject = {
  name: string;
  path: string;
  body: string;
  start(port: number): { argv: readonly string[]; env?: Record<string, string>; cwd?: string };
};

const sklearn = "scikit-learn==1.9.1";
const row = [5.1, 3.5, 1.4, 0.2];
const features = JSON.stringify({ features: row });
const apps = import.meta.dirname;

export async function buildSubjects(
  uv: string,
  folder: string,
  isWanted: (name: string) => boolean,
): Promise<Subject[]> {
  const attemptWanted = (name: string, build: () => Subject) =>
    isWanted(name) ? attempt(name, build) : undefined;
  const subjects: (Subject | undefined)[] = [
    attemptWanted("Flask on gunicorn", () => {
      const python = install(uv, folder, "flask", ["flask==3.1.*", "gunicorn", sklearn]);
      const argv = (port: number) => [
        "-m",
        "gunicorn",
        "-w",
        "2",
        "-b",
        `127.0.0.1:${port}`,
        "flask_app:app",
      ];
      return plain("Flask on gunicorn", python, argv);
    }),
    attemptWanted("FastAPI on uvicorn", () => {
      const python = install(uv, folder, "fastapi", ["fastapi", "uvicorn[standard]", sklearn]);
      const argv = (port: number) => [
        "-m",
        "uvicorn",
        "--workers",
        "2",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
        "--log-level",
        "warning",
        "fastapi_app:app",
      ];
      return plain("FastAPI on uvicorn", python, argv);
    }),
    attemptWanted("BentoML", () => {
      const python = install(uv, folder, "bentoml", ["bentoml==1.4.39", sklearn]);
      const argv = (port: number) => [
        "-m",
        "bentoml",
        "serve",
        "bentoml_service:Iris",
        "--host",
        "127.0.0.1",
        "--port",
        String(port),
      ];
      return plain("BentoML", python, argv, { BENTOML_HOME: folder, BENTOML_DO_NOT_TRACK: "True" });
    }),
    attemptWanted("mlflow models serve", () => {
      const python = install(uv, folder, "mlflow", ["mlflow==3.17.*", sklearn], "mlflow");
      return {
        name: "mlflow models serve",
        path: "/invocations",
        body: JSON.stringify({ inputs: [row] }),
        start: (port) => ({
          argv: [
            python,
            "-m",
            "mlflow",
            "models",
            "serve",
            "-m",
            join(folder, "mlflow", "mlflow-model"),
            "--env-manager",
            "local",
            "-w",
            "2",
            "-h",
            "127.0.0.1",
            "-p",
            String(port),
          ],
          env: { PATH: `${join(python, "..")}:${process.env["PATH"]}` },
        }),
      };
    }),
    attemptWanted("MLServer", () => {
      const python = install(uv, folder, "mlserver", ["mlserver", "mlserver-sklearn", "uvloop<0.22"]);
      const own = join(folder, "mlserver");
      const tensor = { name: "X", shape: [1, 4], datatype: "FP32", data: row };
      return {
        name: "MLServer",
        path: "/v2/models/iris/infer",
        body: JSON.stringify({ inputs: [tensor] }),
        start(port) {
          const settings = {
            host: "127.0.0.1",
            http_port: port,
            grpc_port: port + 1,
            metrics_port: port + 2,
            parallel_workers: 2,
          };
          writeFileSync(join(own, "settings.json"), JSON.stringify(settings));
          const model = {
            name: "iris",
            implementation: "mlserver_sklearn.SKLearnModel",
            parameters: { uri: "./iris_model.joblib" },
          };
          writeFileSync(join(own, "model-settings.json"), JSON.stringify(model));
          return { argv: [join(python, "..", "mlserver"), "start", own], cwd: own };
        },
      };
    }),
  ];

  const found = findModelFiles();
  if (typeof found === "string") throw new Error(found);
  const program = join(folder, "model-server.mjs");
  writeFileSync(program, await bundleModelServer());
  const runtime = join(
    apps,
    `../../node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`,
  );
  const own = (workers: number, name: string): Subject => ({
    name,
    path: "/predict",
    body: features,
    start: (port) => ({
      argv: buildModelServer({
        node: process.execPath,
        program,
        model: join(found.folder, "logistic.onnx"),
        name: "iris",
        host: "127.0.0.1",
        port,
        workers,
        runtime,
      }),
    }),
  });
  return [...subjects.flatMap((one) => one ?? []), own(2, "Sesta"), own(1, "Sesta, one worker")];

  function plain(
    name: string,
    python: string,
    argv: (port: number) => readonly string[],
    env: Record<string, string> = {},
  ): Subject {
    const own = { ...env, MODEL: join(folder, modelOf[name] ?? "", "iris_model.pkl"), PYTHONPATH: apps };
    return {
      name,
      path: "/predict",
      body: features,
      start: (port) => ({ argv: [python, ...argv(port)], env: own, cwd: apps }),
    };
  }
}

const modelOf: Record<string, string> = {
  "Flask on gunicorn": "flask",
  "FastAPI on uvicorn": "fastapi",
  BentoML: "bentoml",
};

/** Installs a peer and trains the model with its own scikit-learn. @returns its interpreter */
function install(
  uv: string,
  folder: string,
  name: string,
  packages: readonly string[],
  ...more: string[]
): string {
  const python = join(makePythonPeer(uv, packages), "bin", "python");
  const own = join(folder, name);
  mkdirSync(own);
  const ran = spawnSync(python, [join(apps, "train.py"), own, ...more], { encoding: "utf8" });
  if (ran.status !== 0) throw new Error(ran.stderr.trim().split("\n").at(-1));
  if (name === "mlserver")
    spawnSync(python, [
      "-c",
      "import joblib, sys; joblib.dump(joblib.load(sys.argv[1]), sys.argv[2])",
      join(own, "iris_model.pkl"),
      join(own, "iris_model.joblib"),
    ]);
  return python;
}

function attempt(name: string, build: () => Subject): Subject | undefined {
  try {
    return build();
  } catch (error) {
    const [reason = ""] = String(error instanceof Error ? error.message : error)
      .trim()
      .split("\n")
      .slice(-1);
    console.log(`${name} is left out: ${reason.slice(0, 200)}`);
    return undefined;
  }
}
