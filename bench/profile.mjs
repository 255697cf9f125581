// Where the CPU went: `node bench/profile.mjs <file.cpuprofile> [rows]`. Self time by function, with lines of the sources.
import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";
import { dirname, relative, resolve } from "node:path";

const [file = "", rows = "45"] = process.argv.slice(2);
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8"));
const parent = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node.id])));
const maps = new Map();

function place({ url, lineNumber, columnNumber, functionName }) {
  const name = functionName || "(anonymous)";
  if (!url.startsWith("file:")) return url === "" ? name : `${name} ${url}`;
  const path = fileURLToPath(url);
  if (!maps.has(path)) {
    const map = `${path}.map`;
    maps.set(
      path,
      existsSync(map) ? new SourceMap(JSON.parse(readFileSync(map, "utf8"))) : undefined,
    );
  }
  const entry = maps.get(path)?.findEntry(lineNumber, columnNumber);
  const at =
    entry?.originalSource === undefined
      ? `${path.replace(/^.*node_modules\//, "")}:${lineNumber + 1}`
      : `${relative(process.cwd(), resolve(dirname(path), entry.originalSource))}:${entry.originalLine + 1}`;
  return `${name} ${at}`;
}

const self = new Map();
const total = new Map();
const places = new Map(nodes.map((node) => [node.id, place(node.callFrame)]));
let all = 0;
for (const [index, id] of samples.entries()) {
  const ms = Math.max(0, timeDeltas[index]) / 1000;
  const name = places.get(id);
  if (name === "(idle)") continue;
  all += ms;
  self.set(name, (self.get(name) ?? 0) + ms);
  const seen = new Set();
  for (let at = id; at !== undefined; at = parent.get(at)) {
    const frame = places.get(at);
    if (!seen.has(frame)) total.set(frame, (total.get(frame) ?? 0) + ms);
    seen.add(frame);
  }
}
const print = (title, times) => {
  console.log(`\n${title}, % of ${all.toFixed(0)} ms that are not idle`);
  const sorted = [...times].toSorted((a, b) => b[1] - a[1]).slice(0, Number(rows));
  for (const [name, ms] of sorted)
    console.log(
      `${((100 * ms) / all).toFixed(1).padStart(6)} %  ${ms.toFixed(0).padStart(7)} ms  ${name}`,
    );
};
print("Self", self);
print("With callees", total);
