// Takes out of a remote program's streams what the loader tells of itself; see `buildLine` for its words.
import { Readable } from "node:stream";

export type Marker = { word: string; number: number };

type Push = (bytes: Buffer) => void;

const longestNoise = 64 * 1024;

/**
 * The program's own stderr. What came before the first marker is no part of it: a login shell's greeting, or what ssh
 * said when there was no connection; `noise` is the end of that.
 */
export function readMarkers(source: Readable, nonce: string, onMarker: (marker: Marker) => void) {
  const begin = Buffer.from(nonce);
  let held: Buffer = Buffer.alloc(0);
  let begun = false;
  let noise = "";
  const pass = (bytes: Buffer, push: Push) => {
    if (begun) push(bytes);
    else noise = (noise + bytes.toString()).slice(-longestNoise);
  };
  const take = (chunk: Buffer, push: Push) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    for (;;) {
      const at = held.indexOf(begin);
      const end = at < 0 ? -1 : held.indexOf("\n", at);
      if (end < 0) {
        const keep = at < 0 ? held.length - countBegun(held, begin) : at;
        pass(held.subarray(0, keep), push);
        held = held.subarray(keep);
        return;
      }
      pass(held.subarray(0, at), push);
      const [, word = "", number] = held.subarray(at, end).toString().split(" ");
      begun = true;
      onMarker({ word, number: Number(number) });
      held = held.subarray(end + 1);
    }
  };
  const stream = relay(source, take, (push) => pass(held, push));
  return { stream, noise: () => noise };
}

/** The program's own stdout: all after the line that holds the nonce. */
export function dropNoise(source: Readable, nonce: string): Readable {
  const begin = Buffer.from(`${nonce}\n`);
  let held: Buffer | undefined = Buffer.alloc(0);
  return relay(source, (chunk, push) => {
    if (held === undefined) return push(chunk);
    held = Buffer.concat([held, chunk]);
    const at = held.indexOf(begin);
    const rest = held.subarray(at + begin.length);
    if (at < 0) held = held.subarray(-longestNoise);
    else held = undefined;
    if (at >= 0) push(rest);
  });
}

/** Everything is taken by the time the source has ended, and no more is read of it than is read here. */
function relay(
  source: Readable,
  take: (chunk: Buffer, push: Push) => void,
  end: (push: Push) => void = () => undefined,
): Readable {
  const out = new Readable({
    read: () => void source.resume(),
    destroy: (error, done) => {
      source.destroy();
      done(error);
    },
  });
  const push = (bytes: Buffer) => {
    if (bytes.length > 0 && !out.destroyed && !out.push(bytes)) source.pause();
  };
  source.on("data", (chunk: Buffer) => take(chunk, push));
  source.once("end", () => {
    end(push);
    out.push(null);
  });
  source.once("close", () => !out.readableEnded && !source.readableEnded && out.push(null));
  return out;
}

/** How many of the last bytes could be the beginning of it. */
function countBegun(bytes: Buffer, begin: Buffer): number {
  for (let length = Math.min(bytes.length, begin.length - 1); length > 0; length--)
    if (bytes.subarray(-length).equals(begin.subarray(0, length))) return length;
  return 0;
}
