// What a start needs before there is a process: a home that is whole, room on the disk, files and a fresh token.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SestaError } from "../base/errors.ts";
import type { Machine } from "../machine/machine.ts";
import type { MachinePlaces } from "../model/agent-protocol.ts";

/** Left free so that what people save while the workload runs is not cut off. */
const reserveBytes = 64 * 1024 * 1024;

/** @throws SestaError ENVIRONMENT, DISK_FULL, each with a hint, since another try cannot cure it */
export async function prepare(
  machine: Machine,
  home: string,
  runtime: string,
  { keep, ...fixed }: MachinePlaces & { keep: string },
  files: Readonly<Record<string, string>>,
): Promise<void> {
  if (!existsSync(fixed.environment)) {
    throw new SestaError("ENVIRONMENT", `${fixed.environment} is gone`, {
      hint: "Run `sesta up` to make it again.",
    });
  }
  if (!existsSync(fixed.workspace)) {
    throw new SestaError("ENVIRONMENT", `the workspace ${fixed.workspace} is missing`, {
      hint: "Put it back, or run `sesta up` to begin with an empty one.",
    });
  }
  await refuseFullDisk(machine, home);
  await refuseFullDisk(machine, fixed.workspace);
  await refuseFullDisk(machine, keep);
  await mkdir(join(home, "logs"), { recursive: true, mode: 0o700 });
  const token = existsSync(join(runtime, "token")) ? {} : { token: randomBytes(32).toString("base64url") };
  await machine.put({ ...files, ...token }, runtime);
}

async function refuseFullDisk(machine: Machine, folder: string): Promise<void> {
  const free = await machine.freeBytes(folder);
  if (free >= reserveBytes) return;
  throw new SestaError(
    "DISK_FULL",
    `only ${Math.round(free / 1e6)} MB are free on the disk of ${folder}; 64 MB are kept free`,
    {
      hint: "Free some space, then wake it again.",
    },
  );
}
