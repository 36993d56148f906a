// What git is started with: nothing of the user's that runs programs, all that reaches remotes.
import { expect, it } from "vitest";
import { buildGit, buildGitEnv, buildTokenEnv } from "./git.ts";

it("takes from outside how remotes are reached, and nothing of anybody's repository", () => {
  const env = buildGitEnv({
    HOME: "/home/me",
    https_proxy: "http://proxy:1",
    GIT_SSH_COMMAND: "ssh -i key",
    GIT_SSL_CAINFO: "/ca.pem",
    GIT_DIR: "/theirs/.git",
    GIT_INDEX_FILE: "/theirs/index",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "core.hooksPath",
    GIT_CONFIG_PARAMETERS: "'a.b=c'",
    GIT_EXTERNAL_DIFF: "evil",
    SSH_ASKPASS: "ask",
    EMPTY: undefined,
  });
  expect(env).toMatchObject({
    HOME: "/home/me",
    https_proxy: "http://proxy:1",
    GIT_SSH_COMMAND: "ssh -i key",
    GIT_SSL_CAINFO: "/ca.pem",
    GIT_TERMINAL_PROMPT: "0",
  });
  const passed = [
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_KEY_0",
    "GIT_CONFIG_PARAMETERS",
    "GIT_EXTERNAL_DIFF",
    "SSH_ASKPASS",
    "EMPTY",
  ];
  for (const name of passed) expect(env).not.toHaveProperty(name);
});

it("T4: passes on no trace, and puts the token into no argument", () => {
  const traces = {
    GIT_TRACE: "1",
    GIT_TRACE_CURL: "/somewhere/trace",
    GIT_TRACE_REDACT: "0",
    GIT_CURL_VERBOSE: "1",
    GIT_TRACE2_EVENT: "/somewhere/trace",
  };
  const env = buildGitEnv(traces);
  for (const name of ["GIT_TRACE", "GIT_TRACE_CURL", "GIT_TRACE_REDACT", "GIT_CURL_VERBOSE"])
    expect(env).not.toHaveProperty(name);
  expect(env).toMatchObject({ GIT_TRACE2: "0", GIT_TRACE2_EVENT: "0", GIT_TRACE2_PERF: "0" });
  const token = buildTokenEnv("canary-token");
  expect(Object.entries(token).filter(([, value]) => value.includes("canary-token"))).toEqual([
    ["SESTA_GIT_TOKEN", "canary-token"],
  ]);
  expect(buildGit("/git", "push").join(" ")).not.toContain("canary");
});
