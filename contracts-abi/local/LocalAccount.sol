// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// What a smart account can do: what its owner's key signed is valid under ERC-1271, its owner makes
/// it call others, and so does the one delegation manager that it trusts. For local chains only.
abstract contract LocalAccount {
    address public immutable delegationManager;

    error NotAllowed(address sender);
    error UnsupportedMode(bytes32 mode);

    constructor(address delegationManager_) {
        delegationManager = delegationManager_;
    }

    receive() external payable {}

    function owner() public view virtual returns (address);

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address signer,,) = ECDSA.tryRecoverCalldata(hash, signature);
        return signer == owner() ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    function execute(address target, uint256 value, bytes calldata data) external returns (bytes memory) {
        require(msg.sender == owner(), NotAllowed(msg.sender));
        return Address.functionCallWithValue(target, data, value);
    }

    /// As in ERC-7579, in its default mode: one call, packed as target, value and data.
    function executeFromExecutor(bytes32 mode, bytes calldata execution)
        external
        payable
        returns (bytes[] memory returned)
    {
        require(msg.sender == delegationManager, NotAllowed(msg.sender));
        require(mode == 0, UnsupportedMode(mode));
        returned = new bytes[](1);
        address target = address(bytes20(execution[:20]));
        returned[0] = Address.functionCallWithValue(target, execution[52:], uint256(bytes32(execution[20:52])));
    }
}
