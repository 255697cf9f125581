// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";

struct TokenPermissions {
    address token;
    uint256 amount;
}

struct PermitTransferFrom {
    TokenPermissions permitted;
    uint256 nonce;
    uint256 deadline;
}

struct SignatureTransferDetails {
    address to;
    uint256 requestedAmount;
}

struct EIP2612Permit {
    uint256 value;
    uint256 deadline;
    bytes32 r;
    bytes32 s;
    uint8 v;
}

interface IPermit2Witness {
    function permitWitnessTransferFrom(
        PermitTransferFrom calldata permit,
        SignatureTransferDetails calldata transferDetails,
        address owner,
        bytes32 witness,
        string calldata witnessTypeString,
        bytes calldata signature
    ) external;
}

interface IPermit2612 {
    function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)
        external;
}

/// What the two x402 proxies have in common: who, to whom, since when, and the EIP-2612 permit that
/// may come first. Written from the published interface and behaviour. For local chains only.
abstract contract LocalPermit2Proxy is ReentrancyGuardTransient {
    address public immutable PERMIT2;

    event Settled();
    event SettledWithPermit();
    event EIP2612PermitFailedWithReason(address indexed token, address indexed owner, string reason);
    event EIP2612PermitFailedWithPanic(address indexed token, address indexed owner, uint256 errorCode);
    event EIP2612PermitFailedWithData(address indexed token, address indexed owner, bytes data);

    error InvalidPermit2Address();
    error InvalidDestination();
    error InvalidOwner();
    error InvalidAmount();
    error PaymentTooEarly();
    error Permit2612AmountMismatch();

    constructor(address permit2) {
        require(permit2 != address(0), InvalidPermit2Address());
        PERMIT2 = permit2;
    }

    /// Moves `amount` by Permit2. That the witness is the signed one, and the upper time bound, are
    /// Permit2's to check.
    function _pay(
        PermitTransferFrom calldata permit,
        uint256 amount,
        address owner,
        address to,
        uint256 validAfter,
        bytes32 witnessHash,
        string memory witnessTypeString,
        bytes calldata signature
    ) internal {
        require(amount > 0, InvalidAmount());
        require(owner != address(0), InvalidOwner());
        require(to != address(0), InvalidDestination());
        require(validAfter <= block.timestamp, PaymentTooEarly());
        IPermit2Witness(PERMIT2).permitWitnessTransferFrom(
            permit, SignatureTransferDetails(to, amount), owner, witnessHash, witnessTypeString, signature
        );
    }

    /// Gives Permit2 its allowance. A permit that fails does not matter when there is one already,
    /// so it is only told.
    function _allow(EIP2612Permit calldata given, TokenPermissions calldata permitted, address owner) internal {
        require(given.value == permitted.amount, Permit2612AmountMismatch());
        address token = permitted.token;
        try IPermit2612(token).permit(owner, PERMIT2, given.value, given.deadline, given.v, given.r, given.s) {}
        catch Error(string memory reason) {
            emit EIP2612PermitFailedWithReason(token, owner, reason);
        } catch Panic(uint256 code) {
            emit EIP2612PermitFailedWithPanic(token, owner, code);
        } catch (bytes memory data) {
            emit EIP2612PermitFailedWithData(token, owner, data);
        }
    }
}
