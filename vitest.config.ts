import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, "**/dist/**"],
    // Processes, not threads: tests start and kill chains and stores. Four on two cores: they wait for blocks, leases and
    // processes of their own for a third of the time.
    pool: "forks",
    maxWorkers: 4,
    watch: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", "./test/repo/summary-reporter.ts"],
  },
});
