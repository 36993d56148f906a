// A wall clock of its own for a process: libfaketime (Debian: libfaketime), whose file of an offset may change at any time.
import { spawnSync } from "node:child_process";
import { findMissingPackage } from "../../support/debian-package.ts";

const places = [
  "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
  "/usr/lib64/faketime/libfaketime.so.1",
];

/**
 * Variables for a process whose wall clock follows the file that FAKETIME_TIMESTAMP_FILE, to be added, names: "+1d".
 * A sentence where it cannot be had.
 */
export function findFakeTime(): NodeJS.ProcessEnv | string {
  const find = () => places.find((path) => yearUnder(path) === "1999");
  const missing = findMissingPackage("libfaketime", () => find() !== undefined);
  const library = find();
  if (library === undefined) return missing ?? "libfaketime does not work here";
  return {
    LD_PRELOAD: library,
    FAKETIME_CACHE_DURATION: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
    NO_FAKE_STAT: "1",
  };
}

function yearUnder(library: string): string {
  const env = { ...process.env, LD_PRELOAD: library, FAKETIME: "@1999-06-01 00:00:00" };
  const argv = ["-p", "new Date().getUTCFullYear()"];
  return spawnSync(process.execPath, argv, { env, encoding: "utf8" }).stdout.trim();
}
