// Reads many blobs out of a repository, one after the other, without holding any of them whole.
import type { Readable } from "node:stream";
import { SestaError } from "../../../base/errors.ts";
import type { Git } from "../git.ts";

export type Blob = { sizeBytes: number; parts: AsyncIterable<Buffer> };

/**
 * `use` is called in the order of `oids`; what it does not read of a blob is passed over.
 * @throws SestaError COMMAND_FAILED when a blob is not there
 */
export async function readBlobs(
  git: Git,
  oids: readonly string[],
  use: (index: number, blob: Blob) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  if (oids.length === 0) return;
  const stop = new AbortController();
  const { stdin, stdout, ended } = git.pipe(["cat-file", "--batch"], {
    signal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
  });
  stdin.end(`${oids.join("\n")}\n`);
  try {
    const reader = createReader(stdout);
    for (const [index, oid] of oids.entries()) {
      signal?.throwIfAborted();
      const header = await reader.line();
      const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1];
      if (size === undefined) throw broken(oid, header === "" ? (await ended).stderr : header);
      const sizeBytes = Number(size);
      const parts = reader.bytes(sizeBytes);
      await use(index, { sizeBytes, parts });
      for await (const _ of parts);
      await reader.line();
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    stop.abort();
    stdout.destroy();
    await ended.catch(() => undefined);
  }
}

function broken(oid: string, said: string): SestaError {
  return new SestaError("COMMAND_FAILED", `git cannot read ${oid}: ${said.trim() || "it ended early"}`, {
    hint: "What is kept on this machine may be damaged; the repository itself has what was sent.",
  });
}

function createReader(stdout: Readable) {
  const source = stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const { done, value } = await source.next();
    if (done) return false;
    rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
    return true;
  };
  return {
    /** Without its end; what is left when nothing more comes. */
    async line(): Promise<string> {
      let end = rest.indexOf(10);
      while (end < 0 && (await more())) end = rest.indexOf(10);
      const line = rest.subarray(0, end < 0 ? rest.length : end).toString("latin1");
      rest = rest.subarray(end < 0 ? rest.length : end + 1);
      return line;
    },
    /** Exactly so many; can be asked again for those that were not read. */
    bytes(count: number): AsyncIterable<Buffer> {
      let left = count;
      const next = async (): Promise<IteratorResult<Buffer>> => {
        if (left === 0) return { done: true, value: undefined };
        if (rest.length === 0 && !(await more()))
          throw new SestaError("COMMAND_FAILED", "git cat-file ended early");
        const part = rest.subarray(0, left);
        rest = rest.subarray(part.length);
        left -= part.length;
        return { done: false, value: part };
      };
      return { [Symbol.asyncIterator]: () => ({ next }) };
    },
  };
}
