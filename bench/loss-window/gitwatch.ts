// gitwatch, its own script: inotifywait, a pause of 2 s without changes, then status, add, commit and push.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { listLiving, until } from "../../test/faults/support/processes.ts";
import { gitEnv } from "./remote.ts";
import { makeRepository } from "./repository.ts";
import { branch, type Place, type Subject, type Where } from "./subject.ts";

const name = "gitwatch";
const source = "https://github.com/gitwatch/gitwatch.git";

/** @param script its path, where it is not to be fetched @returns why it cannot be had */
export async function startGitwatch(place: Place, script?: string): Promise<Subject | string> {
  if (spawnSync("inotifywait", ["--help"]).error) return "gitwatch needs inotifywait (Debian: inotify-tools)";
  const program = script ?? fetchScript(place.cache);
  if (!program) return `gitwatch could not be fetched from ${source}; --gitwatch names a copy`;
  const workspace = makeRepository(place, name);
  let child: ChildProcess | undefined;
  const end = async () => {
    if (child?.pid === undefined) return;
    const ended = once(child, "exit");
    process.kill(-child.pid, "SIGTERM");
    await ended;
    child = undefined;
  };
  const use = async (where: Where) => {
    await end();
    child = spawn("bash", [program, "-r", where, "-b", "main", workspace], {
      env: gitEnv(),
      stdio: "ignore",
      detached: true,
    });
    await until(() => watchesAll(workspace), "inotifywait does not watch");
  };
  await use("path");
  return {
    name: "gitwatch",
    workspace,
    gitFolder: join(workspace, ".git"),
    ref: branch,
    remote: place.remotes.path(name),
    use,
    pids: () => listLiving(workspace),
    end,
  };
}

function fetchScript(cache: string): string | undefined {
  const folder = join(cache, "gitwatch");
  const script = join(folder, "gitwatch.sh");
  if (!existsSync(script))
    spawnSync("git", ["clone", "--quiet", "--depth=1", source, folder], { timeout: 60_000 });
  return existsSync(script) ? script : undefined;
}

/** It says nothing when it is ready: it is once its watches do not grow any more. */
function watchesAll(workspace: string): boolean {
  const counted = () =>
    listLiving(workspace).reduce((sum, pid) => {
      const { stdout } = spawnSync("sh", ["-c", `cat /proc/${pid}/fdinfo/* 2>/dev/null | grep -c ^inotify`], {
        encoding: "utf8",
      });
      return sum + Number(stdout);
    }, 0);
  const before = counted();
  spawnSync("sleep", ["0.5"]);
  return before > 0 && counted() === before;
}
