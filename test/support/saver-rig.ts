// A real saver with a real workspace and a remote on this disk, on a clock that the test moves.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createSaver, type Saver } from "../../src/agent/save/saver.ts";
import { silentLog } from "../../src/base/log.ts";
import { confirmedRef, workRef } from "../../src/commands/git.ts";
import type { SaveRule } from "../../src/model/launch.ts";
import type { SaveReport } from "../../src/model/save.ts";
import { until } from "../faults/support/processes.ts";
import { createFakeClock } from "./fake-clock.ts";
import { createGitRemote, runGit, type RemoteKind } from "./git-remote.ts";
import { plainRule } from "./snapshot-rig.ts";

export type SaverRig = Awaited<ReturnType<typeof createSaverRig>>;

/** Nothing is saved by itself before `keep`. */
export async function createSaverRig(kind: RemoteKind = "path", rule: Partial<SaveRule> = {}) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "sesta-saver-")));
  const workspace = join(root, "lab");
  mkdirSync(workspace);
  const remote = await createGitRemote(kind, root);
  const clock = createFakeClock();
  const env = { PATH: process.env["PATH"], HOME: root, GIT_CONFIG_NOSYSTEM: "1" };
  const home = join(root, "home");
  const folder = join(home, "saves", "lab");
  const ruled: SaveRule = { ...plainRule, repo: remote.url, ...rule };
  const reports: SaveReport[] = [];
  let saver: Saver;
  const open = () => {
    saver = createSaver({ home, env, clock, log: silentLog }, { name: "lab", workspace, rule: ruled }, () =>
      reports.push(saver.report()),
    );
  };
  open();
  const ref = (name: string): string | undefined => {
    try {
      return runGit(join(folder, "git"), "rev-parse", "--verify", "--quiet", name);
    } catch {
      return undefined;
    }
  };
  const show = (git: (...operands: string[]) => string) => (commit: string, path: string) => {
    try {
      return git("show", `${commit}:${path}`);
    } catch {
      return undefined;
    }
  };
  const kept = show((...operands) => runGit(join(folder, "git"), ...operands));
  const sent = show(remote.git);

  return {
    root,
    workspace,
    folder,
    remote,
    clock,
    rule: ruled,
    /** Every report that was told. */
    reports,
    saver: () => saver,
    signal: new AbortController().signal,
    write(files: Readonly<Record<string, string>>): void {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(workspace, path)), { recursive: true });
        writeFileSync(join(workspace, path), text);
      }
    },
    remove: (path: string) => rmSync(join(workspace, path), { recursive: true }),
    head: () => ref(workRef),
    confirmed: () => ref(confirmedRef),
    /** What the newest save holds under a path. */
    kept: (path: string) => kept(workRef, path),
    /** The same of a branch of the remote. */
    sent: (path: string, branch = "main") => sent(branch, path),
    /** Moves the clock in small steps until it is so. */
    moveUntil: <T>(find: () => T | Promise<T>, otherwise: string, stepMs = 200) =>
      until(
        async () => (await find()) || void (await clock.advance(stepMs)),
        () => `${otherwise}: ${JSON.stringify(saver.report())}`,
      ),
    until: <T>(find: () => T | Promise<T>, otherwise: string) =>
      until(find, () => `${otherwise}: ${JSON.stringify(saver.report())}`),
    /** Another saver on the same folders, as after the end of the process. */
    async reopen(): Promise<void> {
      await saver.close();
      open();
    },
    async end(): Promise<void> {
      await saver.close();
      await remote.stop();
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
