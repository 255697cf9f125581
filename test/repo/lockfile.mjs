// Lists the optional packages of other platforms in a lock file.
//
// npm writes only those platform packages into a lock that the registry gave it when it was written; `npm ci` then
// refuses the lock on machines that can see the others. This adds what is missing, by name and exact version.
//   node test/repo/lockfile.mjs package-lock.json …
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SYSTEMS = new Set([
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
]);
const CPUS = {
  amd64: "x64",
  arm: "arm",
  arm64: "arm64",
  ia32: "ia32",
  loong64: "loong64",
  mips64el: "mips64el",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  wasm32: "wasm32",
  x64: "x64",
};

/** Entries that a lock's packages name as optional dependencies and that it does not hold. */
export function missingEntries(packages) {
  const missing = {};
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isHeld({ ...packages, ...missing }, path, name)) continue;
      const words = name.split(/[-/]/);
      const os = words.filter((word) => SYSTEMS.has(word));
      const cpu = words.filter((word) => word in CPUS).map((word) => CPUS[word]);
      missing[`node_modules/${name}`] = {
        version,
        ...(cpu.length > 0 && { cpu }),
        ...(entry.dev && { dev: true }),
        optional: true,
        ...(os.length > 0 && { os }),
      };
    }
  }
  return missing;
}

/** Whether a package is found from a path, looking upwards as Node does. */
function isHeld(packages, path, name) {
  for (
    let folder = path;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/"))).replace(/\/$/, "")
  ) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const file of process.argv.slice(2)) {
    const lock = JSON.parse(readFileSync(file, "utf8"));
    const missing = missingEntries(lock.packages);
    lock.packages = Object.fromEntries(
      Object.entries({ ...lock.packages, ...missing }).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    console.log(`${file}: added ${Object.keys(missing).length}`);
  }
}
