// A release in JSON: times as ISO 8601, words joined by underscores, as runs and stages have them.
import { expect, test } from "vitest";
import { buildReleaseJson } from "./release-json.ts";

test("times are ISO 8601, keys have underscores", () => {
  const release = {
    digest: "sha256:0",
    commit: null,
    dirty: null,
    by: "ana",
    figures: [],
    number: 1,
    at: 0,
    state: "live" as const,
    why: "It is live.",
    liveSince: 1000,
    phase: null,
    logTail: ["a"],
  };
  expect(buildReleaseJson(release)).toMatchObject({
    number: 1,
    at: "1970-01-01T00:00:00.000Z",
    live_since: "1970-01-01T00:00:01.000Z",
    log_tail: ["a"],
  });
  expect(buildReleaseJson({ ...release, liveSince: null }).live_since).toBeNull();
});
