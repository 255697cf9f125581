#!/usr/bin/env node
/** The `farthing` command. */
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { EXIT } from "./exit.ts";

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };

/** Each is loaded when it is needed: a payment does not wait for the facilitator's packages. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  dev: async () => (await import("./dev.ts")).devCommand(),
  facilitator: async () => (await import("./facilitator.ts")).facilitatorCommand(),
  pay: async () => (await import("./pay.ts")).payCommand(),
  wallet: async () => (await import("./wallet.ts")).walletCommand(),
};

const program = new Command("farthing")
  .description("x402 payments: an agent pays, a publisher is paid, money moves once")
  .version(version)
  // What is after a command's name is that command's; those below it keep to the same.
  .enablePositionalOptions()
  .configureHelp({ showGlobalOptions: true });
const asked = COMMANDS[process.argv[2] ?? ""];
for (const load of asked === undefined ? Object.values(COMMANDS) : [asked])
  program.addCommand(await load());
throwAtExit(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}

function throwAtExit(command: Command): void {
  command.exitOverride();
  for (const below of command.commands) throwAtExit(below);
}
