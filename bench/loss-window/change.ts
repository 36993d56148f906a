// One change in a workspace, and how long it takes to a commit and to the remote.
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "../idle/random.ts";
import { findRef, git } from "./remote.ts";
import { branch, type Subject } from "./subject.ts";
import { smallTextFile } from "./tree.ts";

export type Took = { commitMs: number; remoteMs: number };

const limitMs = 120_000;
let count = 0;

/** @param act what carries it on, where the subject does not by itself */
export async function measureChange(subject: Subject, random: Random, act?: () => void): Promise<Took> {
  const { gitFolder, ref, remote } = subject;
  const before = findRef(remote, branch)?.commit;
  const { path, text } = change(subject.workspace, random);
  const wroteAt = performance.timeOrigin + performance.now();
  act?.();
  const end = performance.now() + limitMs;
  for (;;) {
    const there = findRef(remote, branch);
    if (there && there.commit !== before && git(remote, "show", `main:${path}`) === text) {
      const here = findRef(gitFolder, ref);
      if (here?.commit !== there.commit) throw new Error(`${subject.name} went on before it was measured`);
      return { commitMs: here.at - wroteAt, remoteMs: there.at - wroteAt };
    }
    if (performance.now() > end) throw new Error(`${subject.name} did not bring ${path} to its remote`);
    await delay(20);
  }
}

/** A file is written anew as Jupyter does it, appended to, or made. */
function change(workspace: string, random: Random): { path: string; text: string } {
  count += 1;
  const line = `# change ${count}\n`;
  const isNew = random.chance(0.2);
  const path = isNew ? `new/file-${count}.py` : smallTextFile(Math.floor(random.between(0, 1e6)));
  const full = join(workspace, path);
  mkdirSync(dirname(full), { recursive: true });
  if (!isNew && random.chance(0.3)) appendFileSync(full, line);
  else {
    const beside = join(dirname(full), `.~${count}.tmp`);
    writeFileSync(beside, isNew ? line : readFileSync(full, "utf8") + line);
    renameSync(beside, full);
  }
  return { path, text: readFileSync(full, "utf8") };
}
