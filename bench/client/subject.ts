/** One client, alone in its process: `subject.mjs <subject> <kind> <seconds>`. */
import { privateKeyToAccount } from "viem/accounts";
import { x402Client } from "../../test/interop/node_modules/@x402/core/dist/esm/client/index.mjs";
import { ExactEvmScheme } from "../../test/interop/node_modules/@x402/evm/dist/esm/exact/client/index.mjs";
import { wrapFetchWithPayment as officialWrap } from "../../test/interop/node_modules/@x402/fetch/dist/esm/index.mjs";
import {
  knownOffers,
  memorySpendStore,
  spendPolicy,
  wrapFetchWithPayment,
} from "../../src/client/index.ts";
import { exactEvmClient, type EvmSigner } from "../../src/evm/index.ts";
import type { Kind, Measured, SubjectName } from "./protocol.ts";
import { serverFetch } from "./server.ts";

const [subject, kind, seconds] = process.argv.slice(2) as [SubjectName, Kind, string];

const account = privateKeyToAccount(`0x${"42".repeat(32)}`);
const signature = `0x${"11".repeat(64)}1b` as const;
const instant: EvmSigner = { address: account.address, signTypedData: async () => signature };
const signer = kind === "sign" ? account : instant;
const server = serverFetch(kind !== "free");
const pay = clientOf(subject);
let call = 0;

// Every call has a URL of its own, as an agent's calls have; `first` needs the route to be known.
const ask = async (): Promise<void> => {
  call += 1;
  const response = await pay(`https://shop.example/report?call=${call}`);
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  await response.arrayBuffer();
};

await run(Math.min(1, Number(seconds)));
server.requests = 0;
process.send?.(await run(Number(seconds)));

async function run(forSeconds: number): Promise<Measured> {
  const end = performance.now() + forSeconds * 1000;
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let calls = 0;
  for (; performance.now() < end; calls++) await ask();
  const used = process.cpuUsage(cpu);
  return {
    calls,
    cpuMicros: (used.user + used.system) / calls,
    wallMicros: ((performance.now() - start) * 1000) / calls,
    requests: server.requests / calls,
  };
}

function clientOf(name: SubjectName): typeof fetch {
  if (name === "fetch") return server.fetch;
  if (name === "official") {
    const client = new x402Client();
    client.register("eip155:*", new ExactEvmScheme(signer as never));
    return officialWrap(server.fetch, client) as typeof fetch;
  }
  const first = kind === "first" && { payFirst: knownOffers({ hosts: ["shop.example"] }) };
  const schemes = [exactEvmClient({ account: signer })];
  if (name === "farthing") return wrapFetchWithPayment(server.fetch, { schemes, ...first });
  const day = 86_400;
  return wrapFetchWithPayment(server.fetch, {
    schemes,
    ...first,
    store: memorySpendStore(),
    policy: spendPolicy({
      budgets: [
        { limit: "$1000000" },
        { limit: "$100000", windowSeconds: day },
        { limit: "$50000", windowSeconds: 600, by: "host" },
        { limit: "$50000", windowSeconds: day, by: "payee" },
      ],
    }),
  });
}
