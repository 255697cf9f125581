import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "**/dist/**"],
    // Processes, not threads: tests start and kill chains and stores. Two, because each of those wants a core as well.
    pool: "forks",
    maxWorkers: 2,
    watch: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", "./test/repo/summary-reporter.ts"],
  },
});
