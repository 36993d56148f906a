// How the tests run: real components are heavy, so three files at a time, as much of it is waiting, with room for a slow machine.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    globalSetup: "./test/support/bundle-published-form.ts",
    pool: "forks",
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 240_000,
    reporters: ["default", "./test/support/summary-reporter.ts"],
    // Children of the tests start as a user's would.
    env: { NO_COLOR: "1" },
  },
});
