import { Command } from "commander";
import { ConfigError, loadConfig } from "../facilitator/config.ts";
import { createLog, startFacilitator } from "../facilitator/main.ts";
import { EXIT, fail } from "./exit.ts";

const HELP = `
Environment:
  PORT              port to listen on (default 4022; 0: any free one)
  HOST              address to listen on (default 127.0.0.1)
  EVM_NETWORK       chain in CAIP-2 form, for example eip155:84532
  EVM_RPC_URL       its JSON-RPC endpoint, or several with commas between them
  EVM_PRIVATE_KEY   key that pays the gas, or several with commas; should own nothing else
  REDIS_URL         ledger shared by replicas; absent: memory, with a warning
  FARTHING_CONFIG   JSON file with several networks, in place of the EVM_ variables:
                    {"networks":[{"network":"eip155:8453","rpcUrlEnv":"BASE_RPC_URL","privateKeyEnv":"BASE_KEY"}]}
  ERC6492_FACTORIES contracts that may make payers' wallets (ERC-6492), with commas between them,
                    each perhaps with its functions: 0x…:0x12345678; default none
  ERC7710_MANAGERS  delegation managers that may be called, with commas between them; default none
  WALLET_GAS_BUDGET gas that one smart wallet may burn in vain in a day (default 3000000)
  LOG_LEVEL         fatal, error, warn, info (default), debug, trace or silent

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong configuration.`;

/** `farthing facilitator`: the service, until SIGINT or SIGTERM. */
export function facilitatorCommand(): Command {
  return new Command("facilitator")
    .description("run the facilitator service: verify payments and settle them on chain")
    .addHelpText("after", HELP)
    .action(async () => {
      try {
        const config = loadConfig(process.env);
        const log = createLog(config);
        const service = await startFacilitator(config, log);
        process.stdout.write(`Facilitator listening on ${service.url}\n`);
        const signal = await new Promise<string>((resolve) => {
          for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => resolve(name));
        });
        log.info({ signal }, "stopping");
        await service.close();
      } catch (error) {
        if (error instanceof ConfigError) fail(EXIT.usage, error.message);
        else throw error;
      }
    });
}
