// A service's launch, whole: what one replica runs, and the rule of its balancer; no secret stands in it.
import { expect, test } from "vitest";
import type { ServiceSection } from "../../model/project.ts";
import { fill, type Places } from "../../model/template.ts";
import { defaultHealth } from "../../project/service-fields.ts";
import { buildServiceLaunch, type ServiceParts } from "./build-launch.ts";

const section: ServiceSection = {
  type: "service",
  name: "iris",
  target: "local",
  source: { kind: "command", command: "exec gunicorn -b :$PORT 'src.app:app'" },
  env: { LOG_LEVEL: { text: "info" }, API_KEY: { secret: "key" } },
  replicas: 2,
  host: "127.0.0.1",
  health: defaultHealth,
  memoryBytes: null,
  cpus: null,
  idleMs: 900_000,
  holdMs: 30_000,
  drainMs: 30_000,
  stopMs: 10_000,
  responseMs: 60_000,
  maxBodyBytes: 1_000_000,
  repeatsAll: false,
  metricsPath: "/metrics",
  password: "token",
};

const parts: ServiceParts = {
  port: 8080,
  tokenDigest: null,
  requirements: [],
  container: null,
  modelServer: null,
  tls: null,
};

const places: Places = {
  environment: "/an env",
  workspace: "/tree",
  runtime: "/run/1",
  keep: "/keep",
  port: "40001",
  token_file: "/run/1/token",
};

const argvOf = (wanted: Partial<ServiceSection>, more: Partial<ServiceParts> = {}) =>
  buildServiceLaunch({ ...section, ...wanted }, { ...parts, ...more }).process.argv.map((part) =>
    fill(part, places),
  );

test("the whole launch", () => {
  expect(buildServiceLaunch(section, parts)).toMatchInlineSnapshot(`
    {
      "door": {
        "healthPath": "/health",
        "home": "/",
        "password": "token",
        "port": 8080,
      },
      "idle": {
        "evidence": "none",
        "idleMs": 900000,
        "maxAwakeMs": null,
      },
      "name": "iris",
      "process": {
        "argv": [
          [
            "sh",
          ],
          [
            "-c",
          ],
          [
            "exec gunicorn -b :$PORT 'src.app:app'",
          ],
        ],
        "env": {
          "LOG_LEVEL": [
            "info",
          ],
          "PORT": [
            {
              "place": "port",
            },
          ],
        },
        "files": {},
        "startTimeoutMs": 60000,
        "stopGraceMs": 10000,
      },
      "service": {
        "container": null,
        "cpus": null,
        "domain": null,
        "drainMs": 30000,
        "health": {
          "everyMs": 2000,
          "failures": 3,
          "path": "/health",
          "startMs": 60000,
          "timeoutMs": 2000,
        },
        "holdMs": 30000,
        "listen": {
          "host": "127.0.0.1",
          "port": 8080,
        },
        "maxBodyBytes": 1000000,
        "memoryBytes": null,
        "metricsPath": "/metrics",
        "repeatsAll": false,
        "replicas": 2,
        "responseMs": 60000,
        "tls": null,
        "tokenDigest": null,
      },
      "title": "iris",
      "type": "service",
      "workspace": "",
    }
  `);
});

test("the command is one argument, whatever stands in it; PORT is the replica's own", () => {
  const command = 'a "b" $c ${{ d }}; `e`';
  expect(argvOf({ source: { kind: "command", command } })).toEqual(["sh", "-c", command]);
  const { env } = buildServiceLaunch(section, parts).process;
  expect(fill(env["PORT"] ?? [], places)).toBe("40001");
});

test("with Python packages the programs of its environment come first, also where its path has spaces", () => {
  const python = { packages: ["flask"] };
  const argv = argvOf({ python });
  expect(argv.slice(0, 2)).toEqual(["sh", "-c"]);
  expect(argv.slice(3)).toEqual(["/an env", "exec gunicorn -b :$PORT 'src.app:app'"]);
  const { environment } = buildServiceLaunch({ ...section, python }, { ...parts, requirements: ["six"] });
  expect(environment).toMatchObject({ packages: ["flask"], requirements: ["six"], locked: "" });
});

test("a model runs what serves it", () => {
  const source = { kind: "model", file: "iris.onnx" } as const;
  expect(argvOf({ source }, { modelServer: ["node", "server.mjs", "${port}"] })).toEqual([
    "node",
    "server.mjs",
    "${port}",
  ]);
});
