/** Small pure checks on text. */

/** Hosts of package registries, and folders that are there on one machine only. */
const TRACES = [
  /\bregistry\.(?:npmjs|yarnpkg|npmmirror)\.\w+/,
  /\bnpm\.pkg\.github\.com\b|\b(?:artifactory|verdaccio|nexus)\.[\w-]+\.\w+/,
  /(?<![\w.~/-])\/(?:work|root|tmp\/ref|home\/\w+|Users\/\w+)\//,
];

/** Lines that only make sense on one machine, as `file:line: text`. Binary files have none. */
export function machineTraces(file: string, text: string): string[] {
  if (text.includes("\0")) return [];
  return text.split("\n").flatMap((line, index) => {
    const found = TRACES.map((trace) => trace.exec(line)?.[0]).find((match) => match !== undefined);
    return found === undefined ? [] : [`${file}:${index + 1}: ${found}`];
  });
}

/** Name of the package that an import comes from; nothing for files and builtins. */
export function packageOf(specifier: string): string | undefined {
  return /^(?!node:)(?:@[^/]+\/)?[^./@][^/]*/.exec(specifier)?.[0];
}
