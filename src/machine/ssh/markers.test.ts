// The markers are found however the stream is cut, and leave the program's own bytes as they were.
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import * as fc from "fast-check";
import { expect, test } from "vitest";
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
  const words = fc.constantFrom("", "a", "\n", "sesta-", "sesta-012", "s", nonce.slice(1), "error: x\n");
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
      expect(await text(dropNoise(cut(`${before}${nonce}\n${own}`, at), nonce))).toBe(own);
    }),
  );
});

test("without any, all of it is noise", async () => {
  const { stream, noise } = readMarkers(cut("ssh: no route\nsesta-01", [3]), nonce, () => undefined);
  expect([await text(stream), noise()]).toEqual(["", "ssh: no route\nsesta-01"]);
});
