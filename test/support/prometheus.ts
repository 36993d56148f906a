// The Prometheus project's own parser of its text format, from PyPI, kept between runs.
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { anyPython, buildVenv } from "../../src/commands/uv.ts";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";

export type Sample = { name: string; labels: Record<string, string>; value: number };
export type Family = { name: string; type: string; help: string; samples: Sample[] };

const parser = "prometheus-client==0.23.1";

/** The parser, or why it is not to be had. */
export function findPrometheusParser(): ((text: string) => Family[]) | string {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const environment = join(folder, parser.replaceAll("=", "-"));
  const python = join(environment, "bin", "python");
  if (!existsSync(join(environment, "complete"))) {
    const failed =
      run(buildVenv(uv, anyPython, environment)) ??
      run([uv, "pip", "install", "--python", python, "--", parser]);
    if (failed !== undefined) return `${parser} could not be installed: ${failed}`;
    writeFileSync(join(environment, "complete"), "");
  }
  return (text) => {
    const ran = spawnSync(python, ["-c", script], { input: text, encoding: "utf8" });
    if (ran.status !== 0) throw new Error(ran.stderr);
    return JSON.parse(ran.stdout) as Family[];
  };
}

const script = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families as parse
print(json.dumps([
    dict(name=f.name, type=f.type, help=f.documentation,
         samples=[dict(name=s.name, labels=s.labels, value=s.value) for s in f.samples])
    for f in parse(sys.stdin.read())]))
`;
