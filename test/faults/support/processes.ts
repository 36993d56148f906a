// Real processes as tests see them: which of them live, and how to be sure that one is gone.
import { spawnSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

/** Process ids whose command line holds `text`, without those that have ended. */
export function listLiving(text: string): number[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,stat=,args="], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, state = "", args = ""] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid !== undefined && !state.startsWith("Z") && args.includes(text) ? [Number(pid)] : [];
  });
}

export function lives(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

export async function killHard(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(() => !lives(pid), `process ${pid} lives on`);
}

/** Ends every process whose command line holds `folder`, a scratch folder of the test, also those on their way up. */
export async function endAll(folder: string): Promise<void> {
  let quietLooks = 0;
  await until(async () => {
    const living = listLiving(folder);
    quietLooks = living.length === 0 ? quietLooks + 1 : 0;
    for (const pid of living) await killHard(pid).catch(() => undefined);
    return quietLooks > 5;
  }, `something in ${folder} cannot be ended`);
}

/** Resolves with the first value that is not false or undefined. The limit only keeps a broken test from hanging. */
export async function until<T>(
  find: () => T | Promise<T>,
  otherwise: string | (() => string),
  limitMs = 45_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > end) throw new Error(typeof otherwise === "string" ? otherwise : otherwise());
    await delay(20);
  }
}
