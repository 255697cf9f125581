import {
  getAddress,
  getCreate2Address,
  pad,
  toEventSelector,
  toFunctionSelector,
  type AbiFunction,
} from "viem";
import { expect, test } from "vitest";
import { eip2612Abi } from "../../contracts-abi/eip2612.ts";
import { eip3009Abi } from "../../contracts-abi/eip3009.ts";
import { erc1271Abi, ERC1271_MAGIC_VALUE } from "../../contracts-abi/erc1271.ts";
import { erc20Abi } from "../../contracts-abi/erc20.ts";
import { localMulticall3Abi } from "../../contracts-abi/local/local-multicall3.ts";
import { localPermitTokenAbi } from "../../contracts-abi/local/local-permit-token.ts";
import { localPermit2Abi, localPermit2Bytecode } from "../../contracts-abi/local/local-permit2.ts";
import { localPlainTokenAbi } from "../../contracts-abi/local/local-plain-token.ts";
import { localUsdcAbi } from "../../contracts-abi/local/local-usdc.ts";
import { localX402ExactPermit2ProxyAbi } from "../../contracts-abi/local/local-x402-exact-permit2-proxy.ts";
import { localX402UptoPermit2ProxyAbi } from "../../contracts-abi/local/local-x402-upto-permit2-proxy.ts";
import { multicall3Abi, MULTICALL3_ADDRESS } from "../../contracts-abi/multicall3.ts";
import { permit2Abi, PERMIT2_ADDRESS } from "../../contracts-abi/permit2.ts";
import {
  X402_EXACT_PERMIT2_PROXY_ADDRESS,
  x402ExactPermit2ProxyAbi,
} from "../../contracts-abi/x402-exact-permit2-proxy.ts";
import {
  X402_UPTO_PERMIT2_PROXY_ADDRESS,
  x402UptoPermit2ProxyAbi,
} from "../../contracts-abi/x402-upto-permit2-proxy.ts";
import { LOCAL_CONTRACTS } from "../../src/testing/index.ts";

type Abi = readonly { readonly type: string }[];

/** Selectors (functions, errors) and topics (events) of an ABI. */
const selectors = (abi: Abi): string[] =>
  abi.flatMap((item) => {
    if (["function", "error"].includes(item.type)) return toFunctionSelector(item as AbiFunction);
    return item.type === "event" ? toEventSelector(item as never) : [];
  });

test("addresses have the right checksum", () => {
  for (const address of [
    MULTICALL3_ADDRESS,
    PERMIT2_ADDRESS,
    X402_EXACT_PERMIT2_PROXY_ADDRESS,
    X402_UPTO_PERMIT2_PROXY_ADDRESS,
    ...Object.values(LOCAL_CONTRACTS),
  ]) {
    expect(getAddress(address)).toBe(address);
  }
});

test("EIP-3009 has the selectors of the deployed USDC", () => {
  expect(selectors(eip3009Abi)).toEqual([
    "0xe3ee160e", // transferWithAuthorization(…, v, r, s)
    "0xcf092995", // transferWithAuthorization(…, bytes)
    "0xef55bec6", // receiveWithAuthorization(…, v, r, s)
    "0x88b7ab63", // receiveWithAuthorization(…, bytes)
    "0x5a049a70", // cancelAuthorization(…, v, r, s)
    "0xb7b72899", // cancelAuthorization(…, bytes)
    "0xe94a0102", // authorizationState
    "0x3644e515", // DOMAIN_SEPARATOR
    "0x06fdde03", // name
    "0x54fd4d50", // version
    "0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5",
    "0x1cdd46ff242716cdaa72d159d339a485b3438398348d68f09d7c8c0a59353d81",
  ]);
});

test("other contracts have their known selectors", () => {
  expect(selectors(eip2612Abi)).toEqual(["0xd505accf", "0x9fd5a6cf", "0x7ecebe00"]);
  expect(selectors(erc1271Abi)).toEqual([ERC1271_MAGIC_VALUE]);
  expect(selectors(multicall3Abi)[0]).toBe("0x82ad56cb");
  expect(selectors(permit2Abi)[0]).toBe("0x137c29fe");
});

test("each settle of the proxies has a function of its own", () => {
  const exact = selectors(x402ExactPermit2ProxyAbi).slice(0, 2);
  const upto = selectors(x402UptoPermit2ProxyAbi).slice(0, 2);
  expect(new Set([...exact, ...upto]).size).toBe(4);
});

test("the local contracts have all of the interfaces that they stand in for", () => {
  const usdc = selectors(localUsdcAbi);
  expect(usdc).toEqual(
    expect.arrayContaining(selectors([...eip3009Abi, ...eip2612Abi, ...erc20Abi])),
  );
  const standsIn = (local: Abi, real: Abi) =>
    expect(selectors(local)).toEqual(expect.arrayContaining(selectors(real)));
  standsIn(localMulticall3Abi, multicall3Abi);
  standsIn(localPermit2Abi, permit2Abi);
  standsIn(localPlainTokenAbi, erc20Abi);
  standsIn(localPermitTokenAbi, erc20Abi);
  expect(selectors(localX402ExactPermit2ProxyAbi).toSorted()).toEqual(
    selectors(x402ExactPermit2ProxyAbi).toSorted(),
  );
  expect(selectors(localX402UptoPermit2ProxyAbi).toSorted()).toEqual(
    selectors(x402UptoPermit2ProxyAbi).toSorted(),
  );
});

test("the local Permit2 is the code that is deployed on real chains", () => {
  // Deployer and salt of Uniswap's deployment: the address is a hash over the creation code.
  const address = getCreate2Address({
    from: "0x4e59b44847b379578588920cA78FbF26c0B4956C",
    salt: pad("0xd3af2663da51c10215000000", { size: 32 }),
    bytecode: localPermit2Bytecode,
  });
  expect(address).toBe(PERMIT2_ADDRESS);
});
