// The private folder in which fetched files become whole. One that a killed fetch left is taken over with its parts.
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { findIdentity, type Identity } from "../identity.ts";
import { stagingName } from "./list.ts";

/** @param source names what is fetched; parts of another one are worth nothing */
export async function openStaging(into: string, source: string): Promise<string> {
  const digest = shorten(source);
  const own = await findIdentity(process.pid);
  const path = join(into, `${stagingName}${digest}-${nameOf(own)}-${randomBytes(4).toString("hex")}`);
  let adopted = false;
  for (const name of await readdir(into)) {
    const [, of, owner = ""] = namePattern.exec(name) ?? [];
    if (of !== digest || (await lives(owner))) continue;
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

const namePattern = /^\.sesta-fetch-([0-9a-f]{12})-(\d+-[0-9a-f]{12})-[0-9a-f]{8}$/;

/** Its process id is another's later; its start is not. */
function nameOf(identity: Identity | undefined): string {
  return `${identity?.pid ?? 0}-${shorten(JSON.stringify([identity?.bootId, identity?.startTime]))}`;
}

async function lives(owner: string): Promise<boolean> {
  const identity = await findIdentity(Number(owner.split("-")[0]));
  return identity !== undefined && nameOf(identity) === owner;
}

function shorten(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
