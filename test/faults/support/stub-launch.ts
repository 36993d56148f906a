// A launch whose process is the stub server, in folders of a test.
import { join } from "node:path";
import type { IdleRule, Launch, SaveRule } from "../../../src/model/launch.ts";
import { template } from "../../../src/model/template.ts";

const script = join(import.meta.dirname, "stub-server.mjs");

export type StubOptions = {
  idle?: Partial<IdleRule>;
  startTimeoutMs?: number;
  password?: string;
  workspace?: string;
  port?: number;
  save?: Partial<SaveRule> & Pick<SaveRule, "repo">;
};

export function buildStubLaunch(name: string, options: StubOptions = {}): Launch {
  const { idle = {}, startTimeoutMs = 20_000, password, port, workspace = name, save } = options;
  return {
    name,
    type: "lab",
    title: "The stub",
    process: {
      argv: [
        [process.execPath],
        [script],
        template`${{ place: "port" }}`,
        template`${{ place: "workspace" }}`,
        template`${{ place: "runtime" }}`,
        template`${{ place: "token_file" }}`,
      ],
      env: {},
      files: {},
      boundFile: "bound-{pid}.json",
      stopPath: "/stop",
      startTimeoutMs,
      stopGraceMs: 3_000,
    },
    door: {
      home: "/lab",
      healthPath: "/health",
      tokenScheme: "token",
      ...(password !== undefined && { password }),
      ...(port !== undefined && { port }),
    },
    idle: { idleMs: null, maxAwakeMs: null, evidence: "none", ...idle },
    ...(save && { save: { ...saveDefaults, ...save } }),
    workspace,
  };
}

const saveDefaults: Omit<SaveRule, "repo"> = {
  branch: "main",
  include: [],
  exclude: [],
  maxFileBytes: 100 * 1024 * 1024,
  everyMs: 10_000,
  lfs: false,
};
