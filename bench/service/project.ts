// A project with a home of its own, whose services run through the published form of Sesta; all of it ends with the measure.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProjectStatus, WorkloadStatus } from "../../src/model/status.ts";
import { buildSesta, timeCommand } from "../support/box.ts";
import { makeCache } from "../support/python-peer.ts";

export type BenchProject = {
  folder: string;
  env: NodeJS.ProcessEnv;
  /** From its start to its end, in ms. @throws Error with what it printed when it fails */
  sesta(...argv: string[]): Promise<number>;
  json<Value>(...argv: string[]): Promise<Value>;
  workload(name: string): Promise<WorkloadStatus>;
  write(path: string, text: string): void;
  end(): Promise<void>;
};

const root = join(import.meta.dirname, "..", "..");

export function createBenchProject(yaml: string): BenchProject {
  buildSesta();
  const folder = mkdtempSync(join(tmpdir(), "sesta-bench-service-"));
  const [main, project, home] = ["sesta", "project", "home"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  cpSync(join(root, "dist"), main, { recursive: true }); // of its own, so that a build elsewhere does not take it away
  writeFileSync(join(main, "package.json"), '{ "type": "module" }');
  for (const made of [project, home]) mkdirSync(made);
  writeFileSync(join(project, "sesta.yaml"), yaml);
  const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, SESTA_CACHE: join(makeCache(), "sesta") };
  const sesta = (...argv: string[]) =>
    timeCommand([process.execPath, join(main, "main.js"), ...argv], { cwd: project, env });
  const json = async <Value>(...argv: string[]) => {
    const operands = [join(main, "main.js"), ...argv, "--json"];
    const child = spawn(process.execPath, operands, {
      cwd: project,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    return JSON.parse((await child.stdout.toArray()).join("")) as Value;
  };
  return {
    folder: project,
    env,
    sesta,
    json,
    async workload(name) {
      const { workloads } = await json<ProjectStatus>("status");
      const found = workloads.find((one) => one.name === name);
      if (!found) throw new Error(`no workload ${name}`);
      return found;
    },
    write: (path, text) => writeFileSync(join(project, path), text),
    async end() {
      await sesta("down", "-y");
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}
