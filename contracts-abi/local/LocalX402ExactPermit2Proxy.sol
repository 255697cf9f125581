// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP2612Permit, LocalPermit2Proxy, PermitTransferFrom} from "./LocalPermit2Proxy.sol";

/// Stands in for x402's exact proxy: the whole permitted amount goes to `witness.to`, whoever sends
/// it. For local chains only.
contract LocalX402ExactPermit2Proxy is LocalPermit2Proxy {
    struct Witness {
        address to;
        uint256 validAfter;
    }

    bytes32 public constant WITNESS_TYPEHASH = keccak256("Witness(address to,uint256 validAfter)");
    string public constant WITNESS_TYPE_STRING =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,uint256 validAfter)";

    constructor(address permit2) LocalPermit2Proxy(permit2) {}

    function settle(
        PermitTransferFrom calldata permit, address owner, Witness calldata witness, bytes calldata signature
    ) external nonReentrant {
        _settle(permit, owner, witness, signature);
        emit Settled();
    }

    function settleWithPermit(
        EIP2612Permit calldata permit2612, PermitTransferFrom calldata permit, address owner,
        Witness calldata witness, bytes calldata signature
    ) external nonReentrant {
        _allow(permit2612, permit.permitted, owner);
        _settle(permit, owner, witness, signature);
        emit SettledWithPermit();
    }

    function _settle(
        PermitTransferFrom calldata permit, address owner, Witness calldata witness, bytes calldata signature
    ) private {
        bytes32 witnessHash = keccak256(abi.encode(WITNESS_TYPEHASH, witness.to, witness.validAfter));
        _pay(
            permit, permit.permitted.amount, owner, witness.to, witness.validAfter, witnessHash,
            WITNESS_TYPE_STRING, signature
        );
    }
}
