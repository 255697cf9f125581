import type { ChainReader, Hex, ReadCall } from "../../src/core/scheme.ts";
import type { Endpoints, Outcome } from "./endpoints.ts";
import { errorClass, isAboutPrice } from "./errors.ts";
import { parseData, toQuantity } from "./quantity.ts";

/** `eth_call` over these endpoints. */
export function createCall(endpoints: Endpoints): ChainReader["call"] {
  function ask(call: ReadCall): Promise<Outcome<Hex>> {
    const { code } = call;
    const block = call.block === undefined ? "latest" : toQuantity(call.block);
    return endpoints.ask(
      "eth_call",
      [transactionOf(call), block, ...(code ? [{ [code.address]: { code: code.code } }] : [])],
      (result) => parseData(result, "call result"),
      call.untrusted === true ? "untrusted" : "read",
    );
  }

  return async (call) => {
    let answer = await ask(call);
    if ("error" in answer && call.fees !== undefined && isAboutPrice(answer.error)) {
      const { fees: _fees, ...unpriced } = call;
      answer = await ask(unpriced);
    }
    if ("value" in answer) return { ok: true, data: answer.value };
    if (errorClass(answer.error) === "invalid")
      throw endpoints.unavailable("eth_call", `refused (code ${answer.error.code})`);
    return { ok: false, data: revertData(answer.error.data) };
  };
}

function transactionOf({ to, data, from, gas, fees }: ReadCall): Record<string, string> {
  return {
    ...(to && { to }),
    data,
    ...(from && { from }),
    ...(gas !== undefined && { gas: toQuantity(gas) }),
    ...(fees && {
      maxFeePerGas: toQuantity(fees.maxFeePerGas),
      maxPriorityFeePerGas: toQuantity(fees.maxPriorityFeePerGas),
    }),
  };
}

/** What a call that failed gave back. nethermind: "Reverted 0x…". */
function revertData(data: unknown): Hex {
  const hex = typeof data === "string" ? /(?:^|^Reverted )(0x[0-9a-f]*)$/i.exec(data)?.[1] : "0x";
  return hex === undefined || hex.length % 2 === 1 ? "0x" : (hex.toLowerCase() as Hex);
}
