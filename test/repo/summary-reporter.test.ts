import { expect, it } from "vitest";
import { countTests } from "./summary-reporter.ts";

const module = (states: string[], errors = 0, suiteErrors = 0) => ({
  errors: () => Array.from({ length: errors }, () => ({ message: "does not load" })),
  children: {
    allTests: () => states.map((state) => ({ result: () => ({ state }) })),
    allSuites: () => [{ errors: () => Array.from({ length: suiteErrors }, () => "hook") }],
  },
});

it("counts tests by state", () => {
  const modules = [module(["passed", "failed", "passed"]), module(["skipped", "pending"])];
  expect(countTests(modules, 0)).toEqual({ passed: 2, failed: 1, skipped: 2 });
});

it("counts what fails outside of tests as failed", () => {
  expect(countTests([module([], 1), module(["skipped"], 0, 1)], 1)).toEqual({
    passed: 0,
    failed: 3,
    skipped: 1,
  });
});
