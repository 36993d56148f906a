// Pipelines and registries as the rest of Sesta sees them: defaults filled in, digits and references kept.
import { expect, test } from "vitest";
import { parseProject } from "./parse.ts";

const parse = (yaml: string) => parseProject(new TextEncoder().encode(yaml), "/nowhere");

test("a stage at its least", async () => {
  const { pipelines, registries } = await parse("name: demo\npipelines: { p: { a: { run: make } } }\n");
  expect(registries).toEqual({});
  expect(pipelines).toEqual({
    p: {
      name: "p",
      stages: [
        {
          name: "a",
          work: { kind: "run", script: "make" },
          needs: [],
          manual: false,
          env: {},
          outputs: [],
          junit: [],
          timeoutMs: null,
        },
      ],
    },
  });
});

test("stages in the order of the file, with all that they may have", async () => {
  const { pipelines } = await parse(`name: demo
secrets: { t: { env: T } }
pipelines:
  p:
    z:
      run: pytest
      requirements: requirements.txt
      python: 3.12
      env: { A: 1, B: "\${env.B}-x", C: "\${secret.t}" }
      outputs: [out/, "*.pkl"]
      metric: { name: test.accuracy, json: m.json, min: "0.90000000000000001", max: 1 }
      junit: [a.xml]
      timeout: 5m
    a: { run: x, needs: [z], when: manual, python: [flake8], metric: { name: loss, pattern: "loss (.*)" } }
`);
  const [z, a] = pipelines["p"]?.stages ?? [];
  expect(z).toEqual({
    name: "z",
    work: { kind: "run", script: "pytest" },
    needs: [],
    manual: false,
    python: { packages: [], version: "3.12", requirements: "requirements.txt" },
    env: { A: { text: "1" }, B: { parts: [{ env: "B" }, "-x"] }, C: { secret: "t" } },
    outputs: ["out", "*.pkl"],
    metric: {
      name: "test.accuracy",
      from: { json: "m.json", key: "test.accuracy" },
      min: "0.90000000000000001",
      max: "1",
    },
    junit: ["a.xml"],
    timeoutMs: 300_000,
  });
  expect(a).toMatchObject({
    name: "a",
    needs: ["z"],
    manual: true,
    python: { packages: ["flake8"] },
    metric: { from: { pattern: "loss (.*)" }, min: null, max: null },
  });
});

test("registries: a login, and ECR", async () => {
  const { registries } = await parse(`name: demo
secrets: { hub: { env: HUB } }
registries:
  hub: { host: docker.io, username: acme, password: "\${secret.hub}", repository: acme/iris }
  ecr: { type: ecr, region: us-east-1, account: "123456789012" }
pipelines: { p: { a: { run: x } } }
`);
  expect(registries).toEqual({
    hub: {
      name: "hub",
      type: "login",
      host: "docker.io",
      username: "acme",
      password: "hub",
      repository: "acme/iris",
    },
    ecr: { name: "ecr", type: "ecr", region: "us-east-1", account: "123456789012" },
  });
});
