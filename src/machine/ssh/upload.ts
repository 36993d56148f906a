// Sends many or large files to the host: by rsync, else by tar with every file's digest compared afterwards.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { quotePath } from "../../commands/remote-shell.ts";
import { buildRsyncUpload } from "../../commands/rsync.ts";
import { SestaError } from "../../base/errors.ts";
import type { Transferred, TransferOptions, Upload } from "../machine.ts";
import type { Link } from "./link.ts";
import { haveRsync, placesOf, runRsync } from "./rsync.ts";
import { isSmall, sendSmall } from "./send-small.ts";
import { sendByTar } from "./send-tar.ts";
import type { Sent } from "./sent.ts";

/** How many files are looked at at a time. */
const together = 64;

/** See `Machine.upload`. */
export async function uploadRemote(
  link: Link,
  source: Upload,
  to: string,
  { signal, onProgress, similar }: TransferOptions & { similar?: string } = {},
): Promise<Transferred> {
  const { name } = link.connection.access.host;
  const files = await measure(source);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (isSmall(files)) {
    onProgress?.(0, totalBytes);
    if (await sendSmall(link, source.folder, to, files, signal)) {
      onProgress?.(totalBytes, totalBytes);
      return { files: files.length, bytes: totalBytes };
    }
  }
  const prepare = `mkdir -p ${quotePath(to)} && rsync --version 2>/dev/null | head -n 1`;
  const { exitCode, stdout, stderr } = await link.run(["sh", "-c", prepare], signal ? { signal } : {});
  if (exitCode !== 0) throw new SestaError("TRANSFER", `${to} on ${name} cannot be made: ${stderr}`);
  onProgress?.(0, totalBytes);
  const onBytes = (doneBytes: number) => onProgress?.(Math.min(doneBytes, totalBytes), totalBytes);
  if (!(await sendByRsync(link, source, to, { files, similar, signal, onBytes, theirs: stdout })))
    await sendByTar(link, source.folder, to, { files, signal, onBytes });
  onProgress?.(totalBytes, totalBytes);
  return { files: files.length, bytes: totalBytes };
}

type Sending = {
  files: readonly Sent[];
  similar: string | undefined;
  signal: AbortSignal | undefined;
  onBytes: (doneBytes: number) => void;
  theirs: string;
};

/** Whether it was done this way. */
async function sendByRsync(
  link: Link,
  { folder }: Upload,
  to: string,
  { files, similar, signal, onBytes, theirs }: Sending,
): Promise<boolean> {
  if (!(await haveRsync(link, theirs))) return false;
  const argv = buildRsyncUpload(placesOf(link, folder, to), similar);
  const names = files.map(({ path }) => Buffer.from(path).toString("latin1"));
  const end = await runRsync(link, argv, { files: names, signal, onBytes });
  if (end === "partial") {
    throw new SestaError("TRANSFER", `Not all of ${folder} could be read while it was sent`, {
      hint: "Check that its files may be read and do not change meanwhile, and try again.",
    });
  }
  return end === "done";
}

/** @throws SestaError TRANSFER for what is not there, or neither file nor link */
async function measure({ folder, files }: Upload): Promise<Sent[]> {
  const sent: Sent[] = [];
  for (let index = 0; index < files.length; index += together)
    sent.push(...(await Promise.all(files.slice(index, index + together).map(measureOne))));
  return sent;

  async function measureOne(path: string): Promise<Sent> {
    const found = await lstat(join(folder, path)).catch((cause: unknown) => {
      throw new SestaError("TRANSFER", `${join(folder, path)} cannot be sent: it cannot be read`, { cause });
    });
    if (!found.isFile() && !found.isSymbolicLink())
      throw new SestaError(
        "TRANSFER",
        `${join(folder, path)} cannot be sent: it is neither a file nor a link`,
      );
    return {
      path,
      bytes: found.isFile() ? found.size : 0,
      isLink: found.isSymbolicLink(),
      mode: found.mode & 0o777,
      modifiedMs: found.mtimeMs,
    };
  }
}
