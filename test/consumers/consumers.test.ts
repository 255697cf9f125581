import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createConsumerProject, type ConsumerProject } from "./consumer-project.ts";

const MINUTES = 60_000;

let project: ConsumerProject;
beforeAll(async () => {
  project = await createConsumerProject();
}, 5 * MINUTES);
afterAll(() => project?.remove());

const strict = {
  target: "es2023",
  lib: ["es2023", "dom", "dom.iterable"],
  types: ["node"],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  verbatimModuleSyntax: true,
};
/** The oldest compiler once, as it takes long; every setting with the newest. */
const resolutions = [
  { resolution: "nodenext", options: { module: "nodenext", moduleResolution: "nodenext" } },
  { resolution: "bundler", options: { module: "esnext", moduleResolution: "bundler" } },
];

const NEWEST = "typescript-7";

describe.each(["typescript-5.9", NEWEST])("the packed package, %s", (compiler) => {
  it.each(compiler === NEWEST ? resolutions : resolutions.slice(0, 1))(
    "compiles and runs in a strict project with $resolution",
    async ({ resolution, options }) => {
      const out = `${compiler}-${resolution}`;
      expect(await project.compile(compiler, out, { ...strict, ...options })).toEqual({
        code: 0,
        output: "",
      });

      const printed: unknown = JSON.parse(await project.run(`${out}/app.js`));
      expect(printed).toEqual({
        asked: "10000",
        payee: "30000",
        supported: 200,
        redis: "function",
        exitsWhenClosed: true,
      });
    },
    5 * MINUTES,
  );
});

it(
  "needs no DOM types of its own (viem's dependency ox does)",
  async () => {
    const options = {
      ...strict,
      lib: ["es2023"],
      module: "nodenext",
      moduleResolution: "nodenext",
    };
    const { output } = await project.compile(NEWEST, `${NEWEST}-no-dom`, options);
    const errors = output.split("\n").filter((line) => /^\S/.test(line));
    const elsewhere = /^\S*node_modules\/(?!farthing\/)/;
    expect(errors.filter((line) => !elsewhere.test(line))).toEqual([]);
  },
  5 * MINUTES,
);
