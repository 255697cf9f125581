// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalUsdc} from "LocalUsdc.sol";

/// A token that transfers everything twice, with an event each.
contract DoubleTransferToken is LocalUsdc {
    constructor(string memory name_, string memory symbol_, string memory version_)
        LocalUsdc(name_, symbol_, version_)
    {}

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0)) super._update(from, to, value);
    }
}
