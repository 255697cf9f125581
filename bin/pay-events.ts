/** What happens to a payment, as it is told on standard error and as it is needed for the exit code. */
import type { ClientEvent, SpendFacts } from "../src/client/index.ts";
import { escaped, messageOf, note, tokens } from "./text.ts";

export interface Story {
  /** The payment that was signed, or that an earlier command had signed. */
  payment?: SpendFacts;
  /** It was delivered, or the server answered something else to it. */
  isAnswered?: boolean;
  /** A question could not be asked. */
  isMute?: boolean;
}

export function followPayment(): { story: Story; onEvent: (event: ClientEvent) => void } {
  const story: Story = {};
  const onEvent = (event: ClientEvent): void => {
    if (event.type === "store_failed")
      note(`farthing: warning: the payment was not written down: ${messageOf(event.error)}`);
    if (event.type === "refused" || event.type === "store_failed") return;
    story.payment = event;
    story.isAnswered = event.type === "paid" || event.type === "rejected";
    if (event.type === "resumed")
      note(
        `An earlier command signed ${priceOf(event)} for this request, and did not see what became of it: the same payment is presented again.`,
      );
    if (event.type === "retrying") {
      const seconds = Math.ceil(event.waitMs / 100) / 10;
      note(`Not answered yet (${escaped(event.why)}): the same payment again in ${seconds} s.`);
    }
    if (event.type === "receipt_mismatch")
      note(`farthing: warning: the receipt is wrong about: ${escaped(event.field)}`);
  };
  return { story, onEvent };
}

export const priceOf = ({ amount, network, asset }: SpendFacts): string =>
  `${tokens(amount, network, asset)} on ${escaped(network)}`;
