/**
 * Every `invalidReason` and `errorReason` that farthing gives, with a message for people. The strings are the
 * reference implementation's (`@x402/*` 2.27) where it has one; `docs/reasons.md` lists the specification's aliases.
 */
export const REASONS = {
  // General (specification v2, section 9)
  invalid_payload: "The payment payload does not have the form that its scheme defines.",
  invalid_payment_requirements:
    "The payment requirements do not have the form that their scheme defines.",
  invalid_network: "This network is not supported here.",
  unsupported_scheme: "This payment scheme is not supported here.",
  invalid_x402_version: "This version of x402 is not supported here.",

  // exact on EVM, EIP-3009: check
  invalid_exact_evm_scheme: "The payment names another scheme than its requirements.",
  invalid_exact_evm_missing_eip712_domain:
    "extra.name and extra.version, the token's EIP-712 domain, are missing.",
  invalid_exact_evm_network_mismatch: "The payment names another network than its requirements.",
  eip6492_factory_not_allowed: "The wallet's factory is not on the list of allowed factories.",
  invalid_exact_evm_signature: "The signature is not the payer's signature of this authorization.",
  invalid_exact_evm_recipient_mismatch: "The authorization pays another address than payTo.",
  invalid_exact_evm_payload_authorization_valid_before:
    "The authorization expires too soon to be settled; sign a new one.",
  invalid_exact_evm_payload_authorization_valid_after: "The authorization is not valid yet.",
  invalid_exact_evm_payload_authorization_value_mismatch:
    "The authorized value is not the required amount.",
  asset_not_deployed_contract: "There is no contract at the asset's address on this network.",

  // exact on EVM, EIP-3009: simulation
  invalid_exact_evm_eip3009_not_supported: "The asset does not support EIP-3009 transfers.",
  invalid_exact_evm_nonce_already_used: "The authorization has been used or cancelled.",
  invalid_exact_evm_token_name_mismatch: "extra.name is not the token's EIP-712 name.",
  invalid_exact_evm_token_version_mismatch: "extra.version is not the token's EIP-712 version.",
  invalid_exact_evm_insufficient_balance: "The payer's token balance is lower than the amount.",
  invalid_exact_evm_transaction_simulation_failed: "The token refused the transfer in simulation.",

  // Permit2: check
  invalid_permit2_spender: "The permit is for another spender than x402's proxy.",
  invalid_permit2_recipient_mismatch: "The permit pays another address than payTo.",
  permit2_deadline_expired: "The permit expires too soon to be settled; sign a new one.",
  permit2_not_yet_valid: "The permit is not valid yet.",
  permit2_amount_mismatch: "The permitted amount is not the required amount.",
  permit2_token_mismatch: "The permit is for another token than the required asset.",
  invalid_permit2_signature: "The signature is not the payer's signature of this permit.",

  // Permit2: simulation
  permit2_proxy_not_deployed: "x402's proxy for Permit2 is not deployed on this network.",
  permit2_invalid_nonce: "The permit has been used or cancelled.",
  permit2_insufficient_balance: "The payer's token balance is lower than the amount.",
  permit2_allowance_required:
    "The payer has not allowed Permit2 to move the token: approve Permit2 once, then pay again.",
  permit2_invalid_amount: "The proxy refused the amount.",
  permit2_invalid_destination: "The proxy refused the address to be paid.",
  permit2_invalid_owner: "The proxy refused the payer's address.",
  permit2_payment_too_early: "The permit is not valid yet by the chain's clock.",
  permit2_2612_amount_mismatch: "The EIP-2612 permit is for another amount than the payment.",
  permit2_simulation_failed: "The proxy, Permit2 or the token refused the transfer in simulation.",

  // Gas sponsoring, EIP-2612
  invalid_eip2612_extension_format: "What the payment says for eip2612GasSponsoring is malformed.",
  eip2612_from_mismatch: "The EIP-2612 permit is of another account than the payer's.",
  eip2612_asset_mismatch: "The EIP-2612 permit is for another token than the required asset.",
  eip2612_spender_not_permit2: "The EIP-2612 permit is for another spender than Permit2.",
  eip2612_deadline_expired: "The EIP-2612 permit expires too soon to be settled; sign a new one.",

  // Gas sponsoring, approvals
  invalid_erc20_approval_extension_format:
    "What the payment says for erc20ApprovalGasSponsoring is malformed.",
  erc20_approval_from_mismatch: "The approval is of another account than the payer's.",
  erc20_approval_asset_mismatch: "The approval is for another token than the required asset.",
  erc20_approval_spender_not_permit2: "The approval is for another spender than Permit2.",
  erc20_approval_tx_parse_failed:
    "The approval is no EIP-1559 transaction of this network without value and access list.",
  erc20_approval_tx_wrong_target:
    "The approval's transaction calls another contract than the asset.",
  erc20_approval_tx_wrong_selector:
    "The approval's transaction calls another function than approve.",
  erc20_approval_tx_wrong_spender:
    "The approval's transaction approves another spender than Permit2.",
  erc20_approval_tx_invalid_calldata:
    "The approval's transaction does not approve what the payment says, or too little.",
  erc20_approval_tx_invalid_signature: "The approval's transaction has no valid signature.",
  erc20_approval_tx_signer_mismatch: "The approval's transaction is not signed by the payer.",
  erc20_approval_tx_failed:
    "The approval's transaction cannot be mined now (nonce, fees), or was mined and failed.",
  erc20_approval_not_funded:
    "The payer has too little ether for the approval's transaction, and is given none here.",

  // upto on EVM
  invalid_upto_evm_scheme: "The payment names another scheme than its requirements.",
  invalid_upto_evm_network_mismatch: "The payment names another network than its requirements.",
  upto_facilitator_mismatch: "The payment is bound to another facilitator.",
  invalid_upto_evm_payload_settlement_exceeds_amount:
    "More is to be settled than the payer has signed for.",
  invalid_upto_evm_transaction_failed:
    "The transaction was mined and reverted, or is without the exact transfer.",

  // Settlement
  invalid_exact_evm_transaction_failed: "The transaction was mined and reverted; no money moved.",
  invalid_exact_evm_transfer_event_mismatch:
    "The transaction was mined without the exact transfer.",
  settlement_pending:
    "The settlement was sent and is not final yet; send the identical request again.",

  // farthing's own
  duplicate_settlement:
    "This payment has been settled, or claimed, for somebody else or for another request.",
  authorization_lifetime_too_long:
    "The authorization stays valid for longer than is accepted here.",
  sponsoring_budget_exhausted:
    "No more gas is paid for this payer, or for anybody, today: approve Permit2, then pay again.",
  unsupported_asset: "This asset is not accepted on this network.",
  erc7710_manager_not_allowed:
    "The delegation manager is not on the list of allowed delegation managers.",
  erc7710_delegator_mismatch: "The delegation does not move the amount from the named delegator.",
  erc7710_single_use_not_proven:
    "It is not proven that the delegation pays once: delegate no more than the amount, and hold twice the amount.",
  upto_wallet_not_deployed:
    "The payer's wallet is not on the chain yet; upto needs it there, so deploy it first.",
  wallet_refused:
    "Settlements of this wallet passed the simulation and failed on chain; it is refused for a while.",
  wallet_gas_budget_exceeded:
    "The wallet, or its factory, has used up the gas that may be risked for it today; try again later.",
} as const;

/** An `invalidReason` or `errorReason`. */
export type Reason = keyof typeof REASONS;
