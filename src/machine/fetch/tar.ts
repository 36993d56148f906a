// Brings files as a stream of the machine's own tar. Of what it sends only the regular files that were asked for count.
import { createWriteStream } from "node:fs";
import { lstat, mkdir, rename, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../machine.ts";
import type { Entry, Listing } from "./list.ts";
import { toPath } from "./below.ts";
import { lastOf } from "./records.ts";

type Options = { signal: AbortSignal; onBytes: (doneBytes: number) => void };

/** @throws SestaError SSH_CONNECTION, TRANSFER */
export async function bringByTar(
  machine: Pick<Machine, "open" | "name">,
  from: string,
  listing: Listing,
  staging: string,
  { signal, onBytes }: Options,
): Promise<void> {
  if (listing.tar === "none") {
    throw new SestaError("TRANSFER", `${machine.name} has neither rsync nor tar`, {
      hint: "Install rsync there.",
    });
  }
  let doneBytes = 0;
  const wanted = new Map<string, Entry>();
  for (const entry of listing.files) {
    if (await isThere(staging, entry)) doneBytes += entry.bytes;
    else wanted.set(entry.path, entry);
  }
  onBytes(doneBytes);
  const asked = wanted.size;
  if (asked === 0) return;
  const tar = ["tar", "-C", from, "-cf", "-"] as const;
  // A tar that reads no list gets the names as operands, several times if need be.
  const argv =
    listing.tar === "list" ? ([...tar, "--null", "-T", "-"] as const) : (["xargs", "-0", ...tar] as const);
  const sender = await machine.open(argv, { signal });
  const said = lastOf(sender.stderr);
  sender.stdin.end(Buffer.from([...wanted.keys()].map((path) => `./${path}\0`).join(""), "latin1"));
  const { extract } = await import("./tar-stream.ts"); // slow to load, and seldom needed
  const unpacked = extract(namesAsBytes);
  const receive = async () => {
    for await (const part of unpacked) {
      const entry = part.header.type === "file" ? findEntry(wanted, part.header.name) : undefined;
      if (entry === undefined) part.resume();
      else {
        await write(
          part as unknown as AsyncIterable<Uint8Array>,
          toPath(staging, entry.path),
          { modifiedS: entry.modifiedS, mode: part.header.mode },
          (bytes) => onBytes((doneBytes += bytes)),
        );
        wanted.delete(entry.path);
      }
    }
  };
  const sent = pipeline(sender.stdout, unpacked);
  const [received] = await Promise.allSettled([receive(), sent]);
  if (received.status === "rejected") sender.stop();
  const { exitCode } = await sender.ended;
  signal.throwIfAborted();
  if (received.status === "rejected") {
    if (received.reason instanceof Error && "syscall" in received.reason) throw received.reason;
    throw new SestaError(
      "TRANSFER",
      `What tar on ${machine.name} sends cannot be read: ${String(received.reason)}`,
    );
  }
  if (exitCode !== 0 && wanted.size === asked)
    throw new SestaError("TRANSFER", `tar on ${machine.name} failed: ${said()}`);
}

/** Its types do not know the option yet. */
const namesAsBytes: object = { filenameEncoding: "latin1" };

/** A part of the name that is not UTF-8 is one byte in a character; a pax header says it in UTF-8. */
function findEntry(wanted: ReadonlyMap<string, Entry>, name: string): Entry | undefined {
  const path = name.replace(/^(?:\.\/+)+/, "");
  return wanted.get(path) ?? wanted.get(Buffer.from(path).toString("latin1"));
}

async function write(
  part: AsyncIterable<Uint8Array>,
  to: Buffer,
  { modifiedS, mode }: { modifiedS: number; mode: number },
  onBytes: (bytes: number) => void,
): Promise<void> {
  await mkdir(folderOf(to), { recursive: true, mode: 0o700 });
  const temporary = Buffer.concat([to, Buffer.from(".sesta-part")]);
  const counted = async function* () {
    for await (const chunk of part) {
      onBytes(chunk.length);
      yield chunk;
    }
  };
  await pipeline(counted, createWriteStream(temporary, { mode: (mode & 0o777) | 0o600 }));
  await utimes(temporary, modifiedS, modifiedS);
  await rename(temporary, to);
}

async function isThere(staging: string, { path, bytes, modifiedS }: Entry): Promise<boolean> {
  const found = await lstat(toPath(staging, path)).catch(() => undefined);
  return found?.isFile() === true && found.size === bytes && Math.floor(found.mtimeMs / 1000) === modifiedS;
}

function folderOf(path: Buffer): Buffer {
  return Buffer.from(dirname(path.toString("latin1")), "latin1");
}
