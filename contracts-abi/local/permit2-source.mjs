/**
 * Uniswap's Permit2 as it was deployed. Its MIT-licensed source is in the npm package
 * @uniswap/v4-periphery. With this compiler input solc 0.8.17 produces the very creation code whose
 * CREATE2 address is Permit2's canonical one, which a test checks.
 */
import { readFileSync } from "node:fs";
import { dirname, posix } from "node:path";

const ROOT = "src/Permit2.sol";
const REMAPPING = ["solmate/", "lib/solmate/"];

const folderOf = (require) =>
  `${dirname(require.resolve("@uniswap/v4-periphery/package.json"))}/lib/permit2/`;

/** Lines of the comment above the artifact, with the license that has to go along. */
export function permit2Header(require) {
  return [
    "@uniswap/v4-periphery 1.0.3, lib/permit2/src/Permit2.sol; do not edit.",
    "The code that is deployed on real chains. Compiler: solc 0.8.17, viaIR, optimizer runs 1000000.",
    "Linked into it: SafeTransferLib of solmate, by source AGPL-3.0-only. Permit2's own license:",
    "",
    ...readFileSync(`${folderOf(require)}LICENSE`, "utf8")
      .trim()
      .split("\n"),
  ];
}

/** Standard JSON input. All sources are in it, in order of name: the order decides the code's layout. */
export function permit2Input(require) {
  const folder = folderOf(require);
  const sources = {};
  const add = (name) => {
    if (name in sources) return;
    const content = readFileSync(folder + name, "utf8");
    sources[name] = { content };
    for (const [, imported] of content.matchAll(/^import [^"]*"([^"]+)";/gm)) {
      const relative = imported.startsWith(".");
      add(relative ? posix.join(dirname(name), imported) : imported.replace(...REMAPPING));
    }
  };
  add(ROOT);
  return {
    sources: Object.fromEntries(Object.entries(sources).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    settings: {
      remappings: [REMAPPING.join("=")],
      evmVersion: "london",
      viaIR: true,
      optimizer: { enabled: true, runs: 1_000_000 },
      metadata: { bytecodeHash: "none" },
      outputSelection: { [ROOT]: { Permit2: ["abi", "evm.bytecode.object"] } },
    },
  };
}
