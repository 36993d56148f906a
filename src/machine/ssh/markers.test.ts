// The markers are found however the stream is cut, and leave the program's own bytes as they were.
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { endMark } from "../../commands/remote-shell.ts";
import { dropNoise, readMarkers, type Marker } from "./markers.ts";

const nonce = "sesta-0123";

function cut(whole: string, at: readonly number[]): PassThrough {
  const source = new PassThrough();
  const places = [...new Set(at.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b);
  for (const [index, place] of [0, ...places].entries())
    source.write(whole.slice(place, places[index] ?? whole.length));
  source.end();
  return source;
}

test("in any pieces", async () => {
  const parts = [
    "",
    "a",
    "\n",
    "sesta-",
    "sesta-012",
    "s",
    nonce.slice(1),
    "\u001e",
    "\u001esesta-0",
    "error: x\n",
  ];
  const words = fc.constantFrom(...parts);
  const pieces = fc.array(fc.nat(200), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(words, words, words, pieces, async (before, own, after, at) => {
      const markers: Marker[] = [];
      const whole = `${before}${nonce} begin 12\n${own}${nonce} end 3\n${after}`;
      const { stream, noise } = readMarkers(cut(whole, at), nonce, (marker) => markers.push(marker));
      expect(await text(stream)).toBe(own + after);
      expect(noise()).toBe(before);
      expect(markers).toEqual([
        { word: "begin", number: 12 },
        { word: "end", number: 3 },
      ]);
      let ends = 0;
      const drop = (out: string) => text(dropNoise(cut(out, at), nonce, () => (ends += 1)).stream);
      expect(await drop(`${before}${nonce}\n${own}`)).toBe(own);
      expect([await drop(`${before}${nonce}\n${own}${endMark(nonce)}${after}`), ends]).toEqual([
        own + after,
        1,
      ]);
    }),
  );
});

test("without any, all of it is noise", async () => {
  const { stream, noise } = readMarkers(cut("ssh: no route\nsesta-01", [3]), nonce, () => undefined);
  expect([await text(stream), noise()]).toEqual(["", "ssh: no route\nsesta-01"]);
});
