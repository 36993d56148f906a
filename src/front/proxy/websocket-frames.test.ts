// Reading WebSocket frames as they pass, split anywhere.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameWatcher } from "./websocket-frames.ts";

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

function frame(opcode: number, length: number, masked: boolean): Buffer {
  const size = length < 126 ? [length] : length < 65_536 ? [126] : [127];
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8);
  if (extended.length > 0)
    extended.writeUIntBE(length, Math.max(0, extended.length - 6), Math.min(6, extended.length));
  const mask = masked ? [1, 2, 3, 4] : [];
  // A payload that would look like a text frame to a reader who lost its place.
  const payload = Buffer.alloc(length, 0x81);
  return Buffer.concat([
    Buffer.from([0x80 | opcode, (size[0] ?? 0) | (masked ? 0x80 : 0)]),
    extended,
    Buffer.from(mask),
    payload,
  ]);
}

test("pings, pongs and closes are no evidence; data frames are", () => {
  for (const opcode of Object.values(opcodes))
    for (const masked of [true, false])
      expect(createFrameWatcher()(frame(opcode, 5, masked))).toBe(opcode <= 2);
});

test("keeps its place over any frames, split anywhere", () => {
  const frames = fc.array(
    fc.record({
      opcode: fc.constantFrom(...Object.values(opcodes)),
      length: fc.oneof(fc.nat(130), fc.constantFrom(65_535, 65_536, 70_000)),
      masked: fc.boolean(),
    }),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 999 }), (list, size) => {
      const watch = createFrameWatcher();
      for (const { opcode, length, masked } of list) {
        const bytes = frame(opcode, length, masked);
        let saw = false;
        for (let at = 0; at < bytes.length; at += size) saw = watch(bytes.subarray(at, at + size)) || saw;
        expect(saw).toBe(opcode <= 2);
      }
    }),
  );
});
