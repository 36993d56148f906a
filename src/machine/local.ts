// This machine, as a Machine.
import { statfs, mkdir } from "node:fs/promises";
import { arch, availableParallelism, homedir, hostname, platform, totalmem, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { writeAtomic } from "../base/atomic-file.ts";
import { fetchFiles } from "./fetch/fetch.ts";
import { copyFiles, bringByCopy } from "./local/copy.ts";
import { interactLocal, openLocal } from "./local/open.ts";
import type { Machine } from "./machine.ts";
import { runProcess } from "./run-process.ts";
import { startDetached } from "./start-detached.ts";

export function createLocalMachine(given: NodeJS.ProcessEnv): Machine {
  const name = "local";
  const home = given["HOME"] ?? homedir();
  const env: NodeJS.ProcessEnv = { ...given, HOME: home };
  const run: Machine["run"] = (argv, options = {}) => {
    const given = { ...options, env: { ...env, ...options.env }, asks: true };
    return runProcess(argv[0], (signal) => openLocal(argv, { ...given, signal }), options);
  };
  const open: Machine["open"] = (argv, options = {}) =>
    openLocal(argv, { ...options, env: { ...env, ...options.env } });
  const nothing = async () => undefined;
  return {
    name,
    run,
    open,
    start: (argv, options) => startDetached(argv, { ...options, env: { ...env, ...options.env } }),
    interact: (argv, options) => interactLocal(argv ?? [env["SHELL"] ?? "/bin/sh"], env, options),
    put: async (files, to) => {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 });
        await writeAtomic(join(to, path), content);
      }
    },
    upload: copyFiles,
    get: (from, patterns, into, options) =>
      fetchFiles({ name, open }, bringByCopy(from), from, patterns, into, options),
    forward: async (to) => ({ ...to, close: nothing }),
    expose: async (port) => ({ port, close: nothing }),
    freeBytes: async (path) => {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    },
    facts: async () => ({
      system: platform() === "darwin" ? "darwin" : "linux",
      arch: arch(),
      cores: availableParallelism(),
      memoryBytes: totalmem(),
      home,
      user: userInfo().username,
      hostname: hostname(),
      gpus: await listGpus(run),
    }),
    close: nothing,
  };
}

async function listGpus(run: Machine["run"]): Promise<string[]> {
  const argv = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"] as const;
  const said = await run(argv, { timeoutMs: 10_000 }).catch(() => undefined);
  return said?.exitCode === 0 ? said.stdout.split("\n").filter((line) => line !== "") : [];
}
