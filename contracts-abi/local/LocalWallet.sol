// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalAccount} from "./LocalAccount.sol";

/// A smart wallet of the key behind `owner`. For local chains only.
contract LocalWallet is LocalAccount {
    address private immutable ownerKey;

    constructor(address owner_, address delegationManager_) LocalAccount(delegationManager_) {
        ownerKey = owner_;
    }

    function owner() public view override returns (address) {
        return ownerKey;
    }
}
