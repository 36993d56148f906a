// Installs what a test needs beyond Node, npm, python3 and git, where that may be done: as root on Debian.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/**
 * Why it is not there; undefined when it is. Two test files may ask at once: apt waits for its lock.
 * @param isThere whether the program works already
 * @param env more variables
 */
export function findMissingPackage(
  name: string,
  isThere: () => boolean,
  env: NodeJS.ProcessEnv = {},
): string | undefined {
  if (isThere()) return undefined;
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version")) return `${name} is not installed`;
  const options = {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", ...env },
    stdio: "ignore",
    timeout: 300_000,
  } as const;
  const wait = ["-q", "-o", "DPkg::Lock::Timeout=100"];
  try {
    execFileSync("apt-get", ["update", ...wait], options);
    execFileSync("apt-get", ["install", "-y", ...wait, "--no-install-recommends", name], options);
  } catch (error) {
    return `${name} is not installed, and apt-get could not install it: ${String(error)}`;
  }
  return isThere() ? undefined : `apt-get installed ${name}, and it does not work`;
}
