// A bare repository that is reached by its path and by a git daemon on loopback.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "../../test/support/running-lab.ts";

export type Remotes = {
  path(name: string): string;
  daemon(name: string): string;
  end(): Promise<void>;
};

export async function startRemotes(folder: string, names: readonly string[]): Promise<Remotes> {
  mkdirSync(folder, { recursive: true });
  for (const name of names) git(folder, "init", "--quiet", "--bare", "--initial-branch=main", name);
  const port = await findFreePort();
  const child = spawn(
    "git",
    [
      "daemon",
      "--reuseaddr",
      "--listen=127.0.0.1",
      `--port=${port}`,
      "--export-all",
      "--enable=receive-pack",
      `--base-path=${folder}`,
      folder,
    ],
    { stdio: "ignore", detached: true }, // git puts a second process behind the first; the group ends both
  );
  const ended = once(child, "exit");
  while (!(await answers(port))) await delay(20);
  return {
    path: (name) => join(folder, name),
    daemon: (name) => `git://127.0.0.1:${port}/${name}`,
    async end() {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
      await ended;
    },
  };
}

/** @throws Error with git's own words */
export function git(folder: string, ...operands: string[]): string {
  const ran = spawnSync("git", ["-C", folder, ...operands], {
    encoding: "utf8",
    env: gitEnv(),
    maxBuffer: 1024 ** 3,
  });
  if (ran.status !== 0) throw new Error(`git ${operands.join(" ")}: ${ran.stderr}`);
  return ran.stdout;
}

export function gitEnv(): NodeJS.ProcessEnv {
  const identity = { GIT_AUTHOR_NAME: "bench", GIT_AUTHOR_EMAIL: "bench@localhost" };
  return {
    ...process.env,
    ...identity,
    GIT_COMMITTER_NAME: "bench",
    GIT_COMMITTER_EMAIL: "bench@localhost",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_SYSTEM: "/dev/null",
  };
}

/** When a loose ref was written last, as a wall time in milliseconds, and what it holds; undefined without one. */
export function findRef(gitFolder: string, ref: string): { at: number; commit: string } | undefined {
  try {
    const path = join(gitFolder, ref);
    return { at: statSync(path).mtimeMs, commit: readFileSync(path, "utf8").trim() };
  } catch {
    return undefined;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const answered = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return answered;
}
