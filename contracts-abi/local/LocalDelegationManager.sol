// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";

interface IExecutor {
    function executeFromExecutor(bytes32 mode, bytes calldata execution) external payable returns (bytes[] memory);
}

/// The smallest delegation manager of ERC-7710: a delegator signs that `delegate` (the zero address:
/// anybody) may transfer up to `maxAmount` of `token` in all, until `expiry`. The permission context
/// is the ABI encoding of one Delegation. For local chains only.
contract LocalDelegationManager is EIP712("LocalDelegationManager", "1") {
    struct Delegation {
        address delegate;
        address delegator;
        address token;
        uint256 maxAmount;
        uint256 expiry;
        uint256 salt;
        bytes signature;
    }

    bytes32 private constant DELEGATION_TYPEHASH = keccak256(
        "Delegation(address delegate,address delegator,address token,uint256 maxAmount,uint256 expiry,uint256 salt)"
    );

    /// By hash of the delegation.
    mapping(bytes32 hash => uint256) public spent;
    mapping(bytes32 hash => bool) public disabled;

    event DelegationRedeemed(bytes32 indexed hash, address indexed delegator, address indexed redeemer);
    event DelegationDisabled(bytes32 indexed hash, address indexed delegator);

    error LengthMismatch();
    error NotTheDelegate(address sender);
    error NotTheDelegator(address sender);
    error DelegationExpired(uint256 expiry);
    error DelegationIsDisabled(bytes32 hash);
    error InvalidDelegationSignature();
    error NotATransferOfTheToken();
    error AmountExceedsDelegation(uint256 amount, uint256 left);

    function redeemDelegations(
        bytes[] calldata permissionContexts, bytes32[] calldata modes, bytes[] calldata executionCallDatas
    ) external {
        require(
            permissionContexts.length == modes.length && modes.length == executionCallDatas.length, LengthMismatch()
        );
        for (uint256 i = 0; i < modes.length; ++i) {
            Delegation memory delegation = abi.decode(permissionContexts[i], (Delegation));
            _check(delegation, executionCallDatas[i]);
            IExecutor(delegation.delegator).executeFromExecutor(modes[i], executionCallDatas[i]);
        }
    }

    /// Takes a delegation back; for its delegator only.
    function disableDelegation(Delegation calldata delegation) external {
        require(msg.sender == delegation.delegator, NotTheDelegator(msg.sender));
        bytes32 hash = hashOf(delegation);
        disabled[hash] = true;
        emit DelegationDisabled(hash, msg.sender);
    }

    /// The EIP-712 digest that the delegator signs.
    function hashOf(Delegation memory d) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(DELEGATION_TYPEHASH, d.delegate, d.delegator, d.token, d.maxAmount, d.expiry, d.salt)
            )
        );
    }

    function _check(Delegation memory delegation, bytes calldata execution) private {
        require(delegation.delegate == address(0) || delegation.delegate == msg.sender, NotTheDelegate(msg.sender));
        require(block.timestamp < delegation.expiry, DelegationExpired(delegation.expiry));
        bytes32 hash = hashOf(delegation);
        require(!disabled[hash], DelegationIsDisabled(hash));
        require(
            SignatureChecker.isValidSignatureNow(delegation.delegator, hash, delegation.signature),
            InvalidDelegationSignature()
        );
        uint256 amount = _transferred(delegation.token, execution);
        uint256 left = delegation.maxAmount - spent[hash];
        require(amount <= left, AmountExceedsDelegation(amount, left));
        spent[hash] += amount;
        emit DelegationRedeemed(hash, delegation.delegator, msg.sender);
    }

    /// The amount of the one call that may be: `token.transfer(to, amount)` without ether.
    function _transferred(address token, bytes calldata execution) private pure returns (uint256 amount) {
        require(
            execution.length == 120 && address(bytes20(execution[:20])) == token && bytes32(execution[20:52]) == 0
                && bytes4(execution[52:56]) == IERC20.transfer.selector,
            NotATransferOfTheToken()
        );
        (, amount) = abi.decode(execution[56:], (address, uint256));
    }
}
