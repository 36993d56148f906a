// How the tests run: two files at a time, those that take long first, with room for a slow machine.
import { defineConfig } from "vitest/config";
import SlowestFirst from "./test/support/slowest-first.ts";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    testTimeout: 60_000,
    hookTimeout: 240_000,
    reporters: ["default", "./test/support/summary-reporter.ts"],
    // Children of the tests start as a user's would.
    env: { NO_COLOR: "1" },
  },
});
