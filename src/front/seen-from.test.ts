// Which address of this machine another one reaches.
import { expect, test } from "vitest";
import type { WorkloadView } from "../model/view.ts";
import { seenFrom } from "./seen-from.ts";

const view = { name: "lab", url: "http://127.0.0.1:8471" } as WorkloadView;

test.each([
  ["localhost:8470", "http://localhost:8471"],
  ["127.0.0.1:8470", "http://127.0.0.1:8471"],
  ["GPU-box.lan.:8470", "http://gpu-box.lan:8471"],
  ["[::1]:8470", "http://[::1]:8471"],
  [undefined, "http://127.0.0.1:8471"],
  ["evil\\host", "http://127.0.0.1:8471"],
])("who came to %s is sent to %s", (host, url) => {
  expect(seenFrom(view, host).url).toBe(url);
});

test("nothing that listens has no address", () => {
  expect(seenFrom({ ...view, url: null }, "localhost").url).toBeNull();
});
