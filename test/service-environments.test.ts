// The Python environments of releases: those that can be gone back to keep theirs, whatever is taken down meanwhile.
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "./support/scratch-project.ts";
import { findUv } from "./support/lab-environment.ts";
import { createServiceProject, type ServiceProject } from "./support/service-project.ts";

const missing = findUv() === undefined ? "uv is not there and cannot be installed" : "";
if (missing !== "") console.warn(`service-environments.test.ts: skipped: ${missing}`);

describe.skipIf(missing !== "")("environments of releases", { timeout: 180_000 }, () => {
  let project: ServiceProject;
  let other = 0;

  /** Beside the service, another one without an environment. */
  const write = (version: string) =>
    project.write(
      "sesta.yaml",
      [
        "name: svc",
        "workloads:",
        `  iris: { type: service, command: exec python app.py, python: [six==${version}], port: ${project.port} }`,
        `  other: { type: service, command: exec python3 app.py, port: ${other} }`,
        "",
      ].join("\n"),
    );

  beforeAll(async () => {
    other = await freePort();
    project = await createServiceProject();
    project.ship("one");
    write("1.16.0");
    await project.must(["up", "-y"]);
  }, 180_000);
  afterAll(() => project.end(), 60_000);

  test("an older release still has its own after another service went while all slept", async () => {
    write("1.17.0");
    await project.must(["deploy", "iris", "-y"]);
    await project.must(["sleep", "iris"]);
    await project.must(["sleep", "other"]);
    await project.must(["down", "other", "-y"]);
    await project.must(["rollback", "iris", "-y"]);
    expect((await project.workload("iris")).release).toBe(1);
    expect(await project.who()).toMatchObject({ version: "one" });
  });

  test.each(["deploy", "up"])(
    "%s of what is live and has failed makes it anew, with its environment",
    async (verb) => {
      await project.must(["deploy", "iris", "-y"]);
      await project.must(["sleep", "iris"]);
      rmSync(project.path(".sesta/environments"), { recursive: true });
      expect((await project.sesta(["wake", "iris"])).code).not.toBe(0);
      await project.must([verb, "iris", "-y"]);
      expect((await project.workload("iris")).state).toBe("awake");
      expect((await project.sesta(["deploy", "iris", "-y"])).stdout).toContain("is this already");
    },
  );
});
