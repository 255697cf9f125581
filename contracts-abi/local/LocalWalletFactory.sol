// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalWallet} from "./LocalWallet.sol";

/// Makes smart wallets at addresses that follow from owner and salt (CREATE2), so that they can be
/// paid, and sign (ERC-6492), before they exist. For local chains only.
contract LocalWalletFactory {
    address public immutable delegationManager;

    constructor(address delegationManager_) {
        delegationManager = delegationManager_;
    }

    /// Returns the wallet; makes it unless it exists.
    function createWallet(address owner, bytes32 salt) external returns (address wallet) {
        wallet = walletAddress(owner, salt);
        if (wallet.code.length == 0) new LocalWallet{salt: salt}(owner, delegationManager);
    }

    function walletAddress(address owner, bytes32 salt) public view returns (address) {
        bytes32 code =
            keccak256(abi.encodePacked(type(LocalWallet).creationCode, abi.encode(owner, delegationManager)));
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes1(0xff), address(this), salt, code)))));
    }
}
