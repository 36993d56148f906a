// Takes out of a remote program's streams what the loader tells of itself; see `buildLine` for its words.
import type { Readable } from "node:stream";
import { endMark } from "../../commands/remote-shell.ts";
import { relay, type Push, type Relay } from "../relay.ts";

export type Marker = { word: string; number: number };

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
  return { ...relay(source, take, (push) => pass(held, push)), noise: () => noise };
}

/**
 * The program's own stdout: all after the line that holds the nonce, and without the mark that comes when the program has
 * ended. So its last byte is known also where somebody else goes on writing there, or the line is slow.
 * @param onEnd behind that mark
 */
export function dropNoise(source: Readable, nonce: string, onEnd: () => void): Relay {
  const [begin, end] = [Buffer.from(`${nonce}\n`), Buffer.from(endMark(nonce))];
  let held: Buffer = Buffer.alloc(0);
  let sought: Buffer | undefined = begin;
  const take = (chunk: Buffer, push: Push) => {
    if (sought === undefined) return push(chunk);
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const at = held.indexOf(sought);
    if (at < 0) {
      const keep = sought === begin ? longestNoise : countBegun(held, end);
      if (sought === end) push(held.subarray(0, held.length - keep));
      held = keep === 0 ? Buffer.alloc(0) : held.subarray(-keep);
      return;
    }
    if (sought === end) push(held.subarray(0, at));
    const rest = held.subarray(at + sought.length);
    held = Buffer.alloc(0);
    if (sought === end) onEnd();
    sought = sought === begin ? end : undefined;
    if (rest.length > 0) take(rest, push);
  };
  return relay(source, take, (push) => sought === end && push(held));
}

/** How many of the last bytes could be the beginning of it. */
function countBegun(bytes: Buffer, begin: Buffer): number {
  for (let length = Math.min(bytes.length, begin.length - 1); length > 0; length--)
    if (bytes.subarray(-length).equals(begin.subarray(0, length))) return length;
  return 0;
}
