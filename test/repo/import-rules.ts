/** Who may import what: the table of import directions, as data. The first rule whose `of` matches a file holds. */

export interface ImportRule {
  readonly of: RegExp;
  /** What the rule is about, for its message. */
  readonly name: string;
  /**
   * Folders end in `/` (`src/core/`), files in `.ts`; the rest are packages: `hono` has its subpaths too,
   * `node:*` is any builtin, `*` any package or builtin. `type viem` is what the compiler erases.
   */
  readonly may: readonly string[];
  readonly advice: string;
}

const PASS_IN =
  "take it as a value in the options, so that whoever puts things together passes it in";
const MOVE_UP = "move what both need up to src/evm/";

const evm = ["src/core/", "contracts-abi/", "@noble/curves", "@noble/hashes"];
const engine = ["src/core/", "src/ledger/", "contracts-abi/", "facilitator/"];
const enginePackages = ["hono", "viem", "@noble/hashes", "pino", "zod"];

/** What an adapter may import beside the core and the server, by file name. */
const adapters: Readonly<Record<string, readonly string[]>> = {
  hono: ["hono"],
  web: [],
  next: ["src/adapters/node.ts", "src/adapters/web.ts"],
  node: ["src/adapters/node/", "type node:*"],
  express: ["src/adapters/express/", "src/adapters/node/", "type node:*"],
  fastify: ["src/adapters/node/", "type fastify"],
};

export const IMPORT_RULES: readonly ImportRule[] = [
  {
    of: /^contracts-abi\//,
    name: "contracts-abi is data",
    may: [],
    advice: "write the value out; code belongs in src/ or facilitator/",
  },
  {
    of: /^src\/core\/|^src\/index\.ts$/,
    name: "src/core is the pure protocol",
    may: ["src/core/"],
    advice: `move the code to the folder that needs it, or ${PASS_IN}`,
  },
  ...(["exact", "upto"] as const).flatMap((scheme) => [
    {
      of: new RegExp(`^src/evm/${scheme}/facilitator\\.ts$`),
      name: "a scheme's facilitator side",
      may: [...evm, "src/evm/*.ts", "src/evm/permit2/", `src/evm/${scheme}/`, "viem"],
      advice: MOVE_UP,
    },
    {
      of: new RegExp(`^src/evm/${scheme}/`),
      name: "a scheme knows no other scheme, and viem only by type",
      may: [...evm, "src/evm/*.ts", "src/evm/permit2/", `src/evm/${scheme}/`, "type viem"],
      advice: `${MOVE_UP}; calls of viem go to the scheme's facilitator.ts`,
    },
  ]),
  {
    of: /^src\/evm\/permit2\//,
    name: "what schemes share knows none of them",
    may: [...evm, "src/evm/*.ts", "src/evm/permit2/"],
    advice: "let the scheme pass in what it has of its own",
  },
  {
    of: /^src\/evm\/facilitator\.ts$/,
    name: "src/evm, the facilitator side",
    may: [...evm, "src/evm/", "viem"],
    advice: PASS_IN,
  },
  {
    of: /^src\/evm\//,
    name: "src/evm",
    may: [...evm, "src/evm/", "type viem"],
    advice: `${PASS_IN}; calls of viem go to a facilitator.ts, since buyers and sellers bundle the rest`,
  },
  {
    of: /^src\/ledger\/connect-redis\.ts$/,
    name: "the one file that makes a Redis connection",
    may: ["src/core/", "src/ledger/", "ioredis"],
    advice: PASS_IN,
  },
  {
    of: /^src\/ledger\//,
    name: "src/ledger",
    may: ["src/core/", "src/ledger/", "type ioredis"],
    advice: "import the type only; connections are made in src/ledger/connect-redis.ts",
  },
  {
    of: /^src\/client\/axios\.ts$/,
    name: "the client for axios, which its users bring",
    may: ["src/core/", "src/client/", "type axios"],
    advice: "take what is needed of axios from the instance that is given",
  },
  {
    of: /^src\/client\/file-[a-z-]+\.ts$/,
    name: "spending in a file, for Node",
    may: ["src/core/", "src/client/", "node:*"],
    advice: PASS_IN,
  },
  {
    of: /^src\/client\/redis-[a-z-]+\.ts$/,
    name: "spending in Redis",
    may: ["src/core/", "src/ledger/", "src/client/", "type ioredis"],
    advice: "import the type only; connections are made in src/ledger/connect-redis.ts",
  },
  {
    of: /^src\/client\//,
    name: "src/client knows neither schemes nor frameworks",
    may: ["src/core/", "src/ledger/", "src/client/"],
    advice: PASS_IN,
  },
  {
    of: /^src\/server\//,
    name: "src/server knows neither schemes nor frameworks",
    may: ["src/core/", "src/ledger/", "src/server/"],
    advice: PASS_IN,
  },
  ...Object.entries(adapters).map(([name, own]) => ({
    of: new RegExp(`^src/adapters/${name}(?:\\.ts$|/)`),
    name: "an adapter translates for its own framework",
    may: ["src/core/", "src/server/", "src/adapters/shared/", ...own],
    advice: "move the decision to src/server/; an adapter only translates",
  })),
  {
    of: /^src\/adapters\/shared\//,
    name: "what adapters share knows no framework",
    may: ["src/core/", "src/server/", "src/adapters/shared/"],
    advice: "move what is one framework's own to its adapter",
  },
  {
    of: /^src\/html\/page\//,
    name: "the page's script runs in a browser, and is small",
    may: ["src/core/", "src/html/page-data.ts", "src/html/text.ts", "src/html/page/"],
    advice: "compute it in src/html/ and give it to the page with its data",
  },
  {
    of: /^src\/html\//,
    name: "src/html is the page that a gate shows to people",
    may: ["src/core/", "type src/server/gate.ts", "src/evm/", "src/html/*.ts", "@noble/hashes"],
    advice: PASS_IN,
  },
  {
    of: /^src\/mcp\//,
    name: "src/mcp",
    may: ["src/core/", "src/client/", "src/server/", "src/mcp/", "@modelcontextprotocol/sdk"],
    advice: PASS_IN,
  },
  {
    of: /^src\/testing\//,
    name: "src/testing is a local chain, without the product",
    may: ["src/core/", "contracts-abi/", "src/testing/", "viem", "node:*"],
    advice: "move what needs the product to test/ or examples/",
  },
  {
    of: /^facilitator\/(?:main|config)\.ts$/,
    name: "the facilitator's composition root",
    may: [...engine, "src/evm/", ...enginePackages, "@hono/node-server", "prom-client", "node:*"],
    advice: "add the package to the rule if the service needs it",
  },
  {
    of: /^facilitator\//,
    name: "the facilitator gets schemes as values and runs in an isolate",
    may: [...engine, ...enginePackages],
    advice: `${PASS_IN} (facilitator/main.ts does)`,
  },
  {
    of: /^bin\//,
    name: "bin",
    may: ["src/", "facilitator/", "contracts-abi/", "bin/", "*"],
    advice: "move what is shared with tests or examples to src/testing/",
  },
  {
    of: /^examples\//,
    name: "examples show what a user can write",
    may: ["entries", "examples/", "*"],
    advice: "import from a package entry (farthing/…), or export what is missing there",
  },
];

/** Files that nobody imports. */
export const NEVER_IMPORTED: readonly { readonly of: RegExp; readonly except: RegExp }[] = [
  { of: /^facilitator\/main\.ts$/, except: /^bin\// },
];
