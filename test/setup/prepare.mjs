// Run by `npm test` before vitest: gets what the tests need and npm does not bring.
// One entry a prerequisite: `ready()` says whether it is there, `provide()` gets it, `hint` is for people.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Folders with a package-lock.json of their own; they are not part of the published package. */
const privatePackages = ["test/interop", "test/consumers"];

/** As `test/setup/chromium.ts` looks for it. */
const CHROMIUM_NAMES = ["chromium", "chromium-browser", "google-chrome"];

const prerequisites = [
  redisServer(),
  chromium(),
  ...privatePackages.map((folder) => privatePackage(folder)),
];

const missing = [];
for (const { name, ready, provide, hint } of prerequisites) {
  if (ready()) continue;
  console.log(`prepare: ${name} is missing; trying to install it`);
  provide();
  if (!ready()) missing.push(`prepare: ${name} is missing. ${hint}`);
}
for (const line of missing) console.error(line);
process.exit(missing.length === 0 ? 0 : 1);

function redisServer() {
  const named = process.env["REDIS_SERVER"];
  return {
    name: named === undefined ? "redis-server" : `redis-server (REDIS_SERVER=${named})`,
    ready: () => (named === undefined ? onPath("redis-server") : executable(named)),
    provide: () => {
      if (named === undefined) aptInstall(["redis-server"], ["redis-server"]);
    },
    hint: "Install it (`apt-get install redis-server`, `brew install redis`), or name the binary in REDIS_SERVER.",
  };
}

function chromium() {
  const named = process.env["CHROMIUM"];
  return {
    name: named === undefined ? "chromium" : `chromium (CHROMIUM=${named})`,
    ready: () => (named === undefined ? CHROMIUM_NAMES.some(onPath) : executable(named)),
    provide: () => {
      if (named === undefined) aptInstall(["chromium"]);
    },
    hint: "Install it (`apt-get install chromium`, `brew install chromium`), or name the binary in CHROMIUM.",
  };
}

/** `npm ci` in a folder, when its node_modules is missing or older than its lock. */
function privatePackage(folder) {
  const lock = join(root, folder, "package-lock.json");
  const installed = join(root, folder, "node_modules", ".package-lock.json"); // written last by npm
  const flags = ["--legacy-peer-deps", "--no-audit", "--no-fund", "--ignore-scripts"];
  return {
    name: `${folder}/node_modules`,
    ready: () =>
      !existsSync(lock) ||
      (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs),
    provide: () => run("npm", ["ci", ...flags], { cwd: join(root, folder) }),
    hint: `Run \`npm ci ${flags.join(" ")}\` in ${folder}.`,
  };
}

/**
 * Installs Debian packages as root (or by passwordless sudo) without starting or enabling their services: a
 * `policy-rc.d` that forbids it is in place while dpkg runs, unless the machine has its own.
 */
function aptInstall(packages, services = []) {
  const asRoot = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  if (
    !onPath("apt-get") ||
    (asRoot.length > 0 && !(onPath("sudo") && run("sudo", ["-n", "true"], { quiet: true })))
  ) {
    return;
  }
  const script = `
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      printf '#!/bin/sh\\nexit 101\\n' > "$policy" && chmod 755 "$policy"
      trap 'rm -f "$policy"' EXIT
      trap 'exit 1' HUP INT TERM
    fi
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    install() { apt-get -qq -o DPkg::Lock::Timeout=120 install -y --no-install-recommends ${packages.join(" ")}; }
    install || { apt-get -qq -o DPkg::Lock::Timeout=120 update && install; } || exit 1
    if [ -d /run/systemd/system ]; then for service in ${services.join(" ")}; do systemctl --quiet disable "$service" || true; done; fi`;
  run(...asCommand([...asRoot, "sh", "-c", script]));
}

function asCommand([command, ...args]) {
  return [command, args];
}

function run(command, args, { cwd = root, quiet = false } = {}) {
  return (
    spawnSync(command, args, { cwd, stdio: quiet ? "ignore" : ["ignore", "inherit", "inherit"] })
      .status === 0
  );
}

function onPath(name) {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .some((folder) => executable(join(folder, name)));
}

function executable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
