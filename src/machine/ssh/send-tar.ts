// Sends files as a tar stream to a host without rsync, and only those whose digest there is another one.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { quotePath } from "../../commands/remote-shell.ts";
import { SestaError } from "../../base/errors.ts";
import { lastOf } from "../fetch/records.ts";
import { interrupted } from "../interrupted.ts";
import type { Link } from "./link.ts";
import type { Sent } from "./sent.ts";

type Options = {
  files: readonly Sent[];
  signal: AbortSignal | undefined;
  onBytes: (doneBytes: number) => void;
};

const together = 16;
/** From here on a file is not read as a whole. */
const largeBytes = 4_000_000;

/** @throws SestaError TRANSFER, DISK_FULL, SSH_CONNECTION */
export async function sendByTar(link: Link, folder: string, to: string, options: Options): Promise<void> {
  const { files, signal, onBytes } = options;
  const there = await readDigests(link, to, files, signal);
  const ours = await digestAll(
    folder,
    files.filter(({ path, isLink }) => !isLink && there.has(path)),
  );
  const left: Sent[] = [];
  let doneBytes = 0;
  for (const file of files) {
    const digest = ours.get(file.path);
    if (digest !== undefined && digest === there.get(file.path)) doneBytes += file.bytes;
    else left.push(file);
  }
  onBytes(doneBytes);
  if (left.length === 0) return;
  await stream(link, folder, to, { files: left, signal, onBytes: (bytes) => onBytes(doneBytes + bytes) });
  const arrived = await readDigests(link, to, left, signal);
  if (arrived.size === 0) return; // nothing there computes digests
  const judged = left.filter(({ path, isLink }) => !isLink && !path.includes("\n"));
  const more = await digestAll(
    folder,
    judged.filter(({ path }) => !ours.has(path)),
  );
  for (const { path } of judged) {
    if (arrived.get(path) === (ours.get(path) ?? more.get(path))) continue;
    throw new SestaError("TRANSFER", `${path} did not arrive as it was sent, or changed meanwhile`, {
      hint: "Try again.",
    });
  }
}

async function stream(
  link: Link,
  folder: string,
  to: string,
  { files, signal, onBytes }: Options,
): Promise<void> {
  const { env, access } = link.connection;
  const receiver = await link.open(["tar", "-xpof", "-", "-C", to], signal ? { signal } : {});
  const theirs = lastOf(receiver.stderr);
  receiver.stdout.resume();
  const packer = spawn("tar", ["-C", folder, "--no-recursion", "--null", "-cf", "-", "-T", "-"], {
    env: { ...env, COPYFILE_DISABLE: "1" }, // macOS's tar sends what else it knows of a file as another, ._NAME
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ours = lastOf(packer.stderr);
  packer.stdin.on("error", () => undefined);
  packer.stdin.end(files.map(({ path }) => `./${path}\0`).join(""));
  const packed = new Promise<number>((resolve) => {
    packer.once("error", () => resolve(127));
    packer.once("close", (code) => resolve(code ?? 128));
  });
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes((bytes += chunk.length));
      done(null, chunk);
    },
  });
  await pipeline(packer.stdout, counter, receiver.stdin).catch(() => packer.kill());
  const [{ exitCode }, code] = await Promise.all([receiver.ended, packed]);
  if (signal?.aborted) throw interrupted("the upload", signal);
  if (exitCode !== 0) {
    const full = /No space left|quota/i.test(theirs());
    throw new SestaError(
      full ? "DISK_FULL" : "TRANSFER",
      `${to} on ${access.host.name} cannot be written: ${theirs()}`,
    );
  }
  if (code !== 0)
    throw new SestaError("TRANSFER", `${folder} could not be read: ${ours() || `tar ended with ${code}`}`);
}

/** SHA-256 of the files that are there; none at all where nothing computes it. */
async function readDigests(
  link: Link,
  to: string,
  files: readonly Sent[],
  signal: AbortSignal | undefined,
): Promise<Map<string, string>> {
  const script = `cd ${quotePath(to)} || exit 1
if command -v sha256sum >/dev/null; then xargs -0 sha256sum 2>/dev/null
elif command -v shasum >/dev/null; then xargs -0 shasum -a 256 2>/dev/null
else cat >/dev/null; fi
exit 0`;
  const input = files.flatMap(({ path, isLink }) => (isLink ? [] : [`./${path}\0`])).join("");
  const { stdout } = await link.run(["sh", "-c", script], { input, ...(signal && { signal }) });
  const found = stdout.split("\n").flatMap((line) => {
    const [, escaped, digest, name] = /^(\\?)([0-9a-f]{64}) [ *]\.\/(.*)$/.exec(line) ?? [];
    if (digest === undefined || name === undefined) return [];
    return [[escaped === "" ? name : unescape(name), digest] as const];
  });
  return new Map(found);
}

function unescape(name: string): string {
  return name.replaceAll(/\\([\\nr])/g, (_, what) => ({ "\\": "\\", n: "\n", r: "\r" })[String(what)] ?? "");
}

/** By path. */
async function digestAll(folder: string, files: readonly Sent[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let index = 0; index < files.length; index += together) {
    const part = files.slice(index, index + together);
    const digests = await Promise.all(part.map(({ path, bytes }) => digestOf(join(folder, path), bytes)));
    part.forEach(({ path }, at) => found.set(path, digests[at] ?? ""));
  }
  return found;
}

async function digestOf(path: string, bytes: number): Promise<string> {
  if (bytes < largeBytes)
    return createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
