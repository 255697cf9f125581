// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalAccount} from "./LocalAccount.sol";

/// What an account with a key of its own delegates to (EIP-7702): the account stays its own owner.
/// For local chains only.
contract LocalAccountDelegate is LocalAccount {
    constructor(address delegationManager_) LocalAccount(delegationManager_) {}

    function owner() public view override returns (address) {
        return address(this);
    }
}
