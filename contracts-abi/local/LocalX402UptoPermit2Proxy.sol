// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP2612Permit, LocalPermit2Proxy, PermitTransferFrom} from "./LocalPermit2Proxy.sol";

/// Stands in for x402's upto proxy: `witness.facilitator`, and nobody else, sends at most the
/// permitted amount to `witness.to`. For local chains only.
contract LocalX402UptoPermit2Proxy is LocalPermit2Proxy {
    struct Witness {
        address to;
        address facilitator;
        uint256 validAfter;
    }

    bytes32 public constant WITNESS_TYPEHASH =
        keccak256("Witness(address to,address facilitator,uint256 validAfter)");
    string public constant WITNESS_TYPE_STRING =
        "Witness witness)TokenPermissions(address token,uint256 amount)Witness(address to,address facilitator,uint256 validAfter)";

    error AmountExceedsPermitted();
    error UnauthorizedFacilitator();

    constructor(address permit2) LocalPermit2Proxy(permit2) {}

    modifier within(PermitTransferFrom calldata permit, uint256 amount, address facilitator) {
        require(amount <= permit.permitted.amount, AmountExceedsPermitted());
        require(msg.sender == facilitator, UnauthorizedFacilitator());
        _;
    }

    function settle(
        PermitTransferFrom calldata permit, uint256 amount, address owner,
        Witness calldata witness, bytes calldata signature
    ) external nonReentrant within(permit, amount, witness.facilitator) {
        _settle(permit, amount, owner, witness, signature);
        emit Settled();
    }

    function settleWithPermit(
        EIP2612Permit calldata permit2612, PermitTransferFrom calldata permit, uint256 amount, address owner,
        Witness calldata witness, bytes calldata signature
    ) external nonReentrant within(permit, amount, witness.facilitator) {
        _allow(permit2612, permit.permitted, owner);
        _settle(permit, amount, owner, witness, signature);
        emit SettledWithPermit();
    }

    function _settle(
        PermitTransferFrom calldata permit, uint256 amount, address owner,
        Witness calldata witness, bytes calldata signature
    ) private {
        bytes32 witnessHash =
            keccak256(abi.encode(WITNESS_TYPEHASH, witness.to, witness.facilitator, witness.validAfter));
        _pay(
            permit, amount, owner, witness.to, witness.validAfter, witnessHash, WITNESS_TYPE_STRING, signature
        );
    }
}
