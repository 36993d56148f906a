// The private folder in which fetched files become whole. One that a killed fetch left is taken over with its parts.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { stagingName } from "./list.ts";

/** @param source names what is fetched; parts of another one are worth nothing */
export async function openStaging(into: string, source: string): Promise<string> {
  const digest = createHash("sha256").update(source).digest("hex").slice(0, 12);
  const path = join(into, `${stagingName}${digest}-${process.pid}-${randomBytes(4).toString("hex")}`);
  let adopted = false;
  for (const name of await readdir(into)) {
    const [, of, pid] = /^\.sesta-fetch-([0-9a-f]{12})-(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
    if (of !== digest || lives(Number(pid))) continue;
    // Of several fetches that find it, one succeeds.
    const mine =
      !adopted &&
      (await rename(join(into, name), path).then(
        () => true,
        () => false,
      ));
    if (mine) adopted = true;
    else await rm(join(into, name), { recursive: true, force: true });
  }
  if (!adopted) await mkdir(path, { mode: 0o700 });
  return path;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
