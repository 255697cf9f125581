import { X402Error } from "../../core/errors.ts";
import type { Facilitator } from "../../core/facilitator.ts";
import { evmChainId } from "../../core/network.ts";
import { checksumAddress, parseAddress } from "../address.ts";

/** Addresses that may settle: one for all networks, or by network; of several a payee has always the same. */
export type FacilitatorAddress = string | readonly string[] | FacilitatorAddresses;
export type FacilitatorAddresses = Readonly<Record<string, string | readonly string[]>>;

/**
 * Who settles for a payee on a network.
 *
 * @throws TypeError at once for what is no address; when asked, for a network without one.
 */
export function chooseFacilitator(
  given: FacilitatorAddress | undefined,
): (network: string, payTo: string | undefined) => string {
  const lists = new Map(
    given === undefined
      ? []
      : typeof given === "string" || isList(given)
        ? [["", canonical(given)] as const]
        : Object.entries(given).map(([network, list]) => [network, canonical(list)] as const),
  );
  return (network, payTo) => {
    const list = lists.get(network) ?? lists.get("") ?? [];
    const payee = parseAddress(payTo ?? "") ?? "0x0";
    const address = list[Number(BigInt(payee) % BigInt(list.length || 1))];
    if (address === undefined) {
      throw new TypeError(
        `upto needs the facilitator's address on ${network}: give uptoEvm({ facilitatorAddress }), or ask for it before with readFacilitatorAddress(facilitator, "${network}")`,
      );
    }
    return address;
  };
}

const isList = (given: FacilitatorAddress): given is readonly string[] => Array.isArray(given);

function canonical(given: string | readonly string[]): readonly string[] {
  return [given].flat().map((text) => {
    const address = parseAddress(text);
    if (address === undefined)
      throw new TypeError(
        `facilitatorAddress "${text}" is not an address, or its checksum is wrong`,
      );
    return checksumAddress(address);
  });
}

/**
 * The addresses with which a facilitator settles `upto` on a network, from its `/supported`: to be asked for once, before
 * the server starts, because a 402 waits for nobody.
 *
 * @throws X402Error `facilitator_unavailable` and others of the facilitator; `facilitator_refused` when it does not
 * settle `upto` there. TypeError for a network that is no EVM chain.
 */
export async function readFacilitatorAddress(
  facilitator: Pick<Facilitator, "supported">,
  network: string,
): Promise<readonly string[]> {
  if (evmChainId(network) === undefined)
    throw new TypeError(`network "${network}" is not an EVM chain such as "eip155:8453"`);
  const { kinds } = await facilitator.supported();
  const extra = kinds.find((kind) => kind.scheme === "upto" && kind.network === network)?.extra;
  const { facilitatorAddress, facilitatorAddresses } = extra ?? {};
  const texts: unknown[] = Array.isArray(facilitatorAddresses)
    ? facilitatorAddresses
    : [facilitatorAddress];
  const addresses = texts.flatMap((text) => parseAddress(String(text)) ?? []);
  if (addresses.length === 0 || addresses.length < texts.length)
    throw new X402Error("facilitator_refused", `it does not settle upto on ${network}`);
  return addresses.map(checksumAddress);
}
