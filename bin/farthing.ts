#!/usr/bin/env node
/** The `farthing` command. */
import { Command, CommanderError } from "commander";
import { readFileSync } from "node:fs";
import { devCommand } from "./dev.ts";
import { EXIT } from "./exit.ts";
import { facilitatorCommand } from "./facilitator.ts";
import { payCommand } from "./pay.ts";

const { version } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { version: string };

const program = new Command("farthing")
  .description("x402 payments: an agent pays, a publisher is paid, money moves once")
  .version(version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: true })
  .addCommand(devCommand())
  .addCommand(facilitatorCommand())
  .addCommand(payCommand());
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
