/** What must hold after any fault: O1 to O6 of the rules that protect money, from chain, answers and logs alone. */
import type { Hex } from "../../src/core/scheme.ts";
import type { LocalWorld } from "../../src/testing/index.ts";
import { readChain, unexplained, type Transfer } from "./canonical.ts";
import { isFinal, type Answer, type Payment } from "./world.ts";

export interface Evidence {
  readonly world: LocalWorld;
  /** All of them valid and payable, and each asked for until there was a final answer. */
  readonly payments: readonly Payment[];
  readonly signers: readonly Hex[];
  /** What the replicas have printed. */
  readonly logs: readonly string[];
  /** What must be in no log and no answer, beside signatures: keys and addresses of the backends. */
  readonly secrets: readonly string[];
}

const ERROR_CODES = new Set(["settlement_pending", "rpc_unavailable", "ledger_unavailable"]);

/** The violations, one line each; none when all is well. */
export async function violations(evidence: Evidence): Promise<string[]> {
  const { world, payments } = evidence;
  const chain = await readChain(world);
  const byPayee = new Map<string, Transfer[]>();
  for (const transfer of chain.transfers)
    byPayee.set(transfer.to, [...(byPayee.get(transfer.to) ?? []), transfer]);
  const owners = payments.flatMap((payment) => [payerOf(payment), payment.payTo.toLowerCase()]);
  return [
    ...chain.contradictions,
    ...(await unexplained(world, chain, owners)),
    ...payments.flatMap((payment, index) =>
      ofPayment(payment, byPayee.get(payment.payTo.toLowerCase()) ?? []).map(
        (what) => `payment ${index} (${payment.key ?? "anonymous"}): ${what}; ${story(payment)}`,
      ),
    ),
    ...(await ofTransactions(evidence)),
    ...ofSecrets(evidence),
  ];
}

/** O1, O2, O3, O5 of one payment. */
function ofPayment(payment: Payment, transfers: readonly Transfer[]): string[] {
  const payer = payerOf(payment);
  const [transfer] = transfers;
  const successes = payment.answers.filter(({ body }) => body.success === true);
  const last = payment.answers.at(-1);
  const found: string[] = [];
  const check = (holds: boolean, what: string) => void (holds || found.push(what));

  const deliveries = payment.key === undefined ? successes.length : Math.min(successes.length, 1);
  check(deliveries <= transfers.length, `O1: ${deliveries} deliveries`);
  check(transfers.length <= 1, `O2: ${transfers.length} transfers`);
  check(transfers.length >= 1, "stuck: never paid");
  if (transfer !== undefined) {
    check(transfer.value === payment.amount && transfer.from === payer, "O2: another transfer");
  }
  for (const { body } of successes) {
    check(body.transaction === transfer?.transaction, "O1: success names another transaction");
  }

  check(last !== undefined && isFinal(last), "stuck: no final answer");
  if (payment.key === undefined) {
    // A success that did not reach the caller it was handed to is told to nobody else. So it is when the ledger's word
    // that it was handed out did not reach the replica.
    const lost = payment.answers.some(
      ({ status, body }) => status === 0 || body.code === "ledger_unavailable",
    );
    check(successes.length === 1 || lost, "O3: debited, and success told to nobody");
    const wrong = payment.answers.filter(
      (answer) => isFinal(answer) && !answer.body.success && !isDuplicate(answer),
    );
    check(wrong.length === 0, `O3: called a failure: ${wrong[0]?.text}`);
  } else {
    check(last?.body.success === true, `O3: debited, and its claimant is told ${last?.text}`);
    const wrong = payment.answers.filter((answer) => isFinal(answer) && !answer.body.success);
    check(wrong.length === 0, `O3: called a failure: ${wrong[0]?.text}`);
  }

  for (const { status, body } of payment.answers) {
    const known = status === 503 && ERROR_CODES.has(body.code ?? "");
    check(status === 0 || status === 200 || known, `O5: HTTP ${status} ${body.code}`);
  }
  return found;
}

/** O4: not more transactions than claims. A batch makes them fewer; what a crash or a fee bump adds fits in. */
async function ofTransactions({ world, signers, payments }: Evidence): Promise<string[]> {
  const counts = await Promise.all(
    signers.map((address) => world.client.getTransactionCount({ address })),
  );
  const sent = counts.reduce((sum, count) => sum + count, 0);
  return sent <= payments.length ? [] : [`O4: ${sent} transactions for ${payments.length} claims`];
}

/** O6. */
function ofSecrets({ payments, logs, secrets }: Evidence): string[] {
  const all = [...logs, ...payments.flatMap(({ answers }) => answers.map(({ text }) => text))]
    .join("\n")
    .toLowerCase();
  const signatures = payments.map(
    ({ request }) => (request.paymentPayload.payload as { signature: string }).signature,
  );
  return [...signatures, ...secrets]
    .filter((secret) => all.includes(secret.toLowerCase().replace(/^0x/, "")))
    .map((secret) => `O6: ${secret.slice(0, 12)}… is in a log or an answer`);
}

function payerOf({ request }: Payment): string {
  const { authorization } = request.paymentPayload.payload as { authorization: { from: string } };
  return authorization.from.toLowerCase();
}

const isDuplicate = ({ body }: Answer): boolean => body.errorReason === "duplicate_settlement";

/** The answers in their order, in short. */
const story = ({ answers }: Payment): string =>
  answers
    .map(({ status, body }) =>
      body.success
        ? `paid ${body.transaction?.slice(0, 8)}`
        : `${status} ${body.errorReason ?? body.code ?? ""}`,
    )
    .join(", ");
