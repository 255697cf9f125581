/** `farthing wallet reconcile`. */
import { reconcileSpending, type Spend, type SpendStore } from "../src/client/index.ts";
import { exactEvm, rpcReader, uptoEvm } from "../src/evm/index.ts";
import { findEndpoints, NO_ENDPOINTS, type RpcFlags } from "./endpoints.ts";
import { EXIT, fail, UsageError } from "./exit.ts";
import { escaped, messageOf, money, print } from "./text.ts";
import { withSpending, type StoreOptions } from "./wallet-history.ts";

export interface ReconcileOptions extends StoreOptions, RpcFlags {}

export async function reconcile(options: ReconcileOptions): Promise<void> {
  const { urls, problems } = await findEndpoints(options);
  if (urls.size === 0 && problems.length === 0) throw new UsageError(NO_ENDPOINTS);
  for (const problem of problems) fail(EXIT.failed, problem);
  const nothing = await withSpending(options, async (store) => {
    const open = await store.list({ ...UNSEEN, limit: ALL });
    const networks = new Set(open.map(({ network }) => network));
    for (const network of networks) await reconcileNetwork(store, network, urls.get(network));
    return open.length === 0;
  });
  if (nothing ?? true) print("Every payment's fate is known: nothing to ask about.\n");
}

const UNSEEN = { states: ["pending", "answered", "delivered", "rejected", "replaced"] } as const;
const ALL = 1_000_000;

/** One network after the other, so that one that does not answer hides no other. */
async function reconcileNetwork(
  store: SpendStore,
  network: string,
  urls: readonly string[] | undefined,
): Promise<void> {
  const name = escaped(network);
  const before = await store.list({ ...UNSEEN, limit: ALL });
  const expired = before.filter(isExpiredOn(network));
  const waiting = before.filter((spend) => spend.network === network).length - expired.length;
  if (waiting > 0)
    print(`${name}: ${waiting} may still be taken; ask again when they have expired.\n`);
  if (expired.length === 0) return;
  if (urls === undefined) {
    return fail(
      EXIT.failed,
      `${name}: ${expired.length} to ask about, and no endpoint: give --rpc`,
    );
  }
  const released: Spend[] = [];
  const view: SpendStore = {
    ...store,
    // All at once: a page could be empty here, and be taken for the last.
    list: async (asked) =>
      (await store.list({ ...asked, limit: ALL })).filter(isExpiredOn(network)),
    async update(id, change) {
      const spend = before.find((other) => other.id === id);
      const isMade = await store.update(id, change);
      if (isMade && change.state === "released" && spend !== undefined) released.push(spend);
      return isMade;
    },
  };
  const chain = rpcReader({ [network]: urls });
  try {
    const { asked, taken } = await reconcileSpending(view, [
      exactEvm({ chain }),
      uptoEvm({ chain }),
    ]);
    const back = new Map<string, number>();
    for (const { unit, value } of released) back.set(unit, (back.get(unit) ?? 0) + value);
    const given = Array.from(back, ([unit, value]) => money(value, unit)).join(", ");
    print(
      `${name}: ${expired.length} expired, ${asked} that the chain can be asked about: ${taken} taken, ${released.length} released${given === "" ? "" : ` (${given} back in the budgets)`}.\n`,
    );
  } catch (error) {
    fail(EXIT.failed, messageOf(error));
  }
}

const isExpiredOn =
  (network: string) =>
  (spend: Spend): boolean =>
    spend.network === network && spend.expiresAtMs <= Date.now();
