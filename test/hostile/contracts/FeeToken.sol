// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalUsdc} from "LocalUsdc.sol";

/// A token that keeps one per cent of every transfer: the payee gets less than was authorized, and
/// the events say so.
contract FeeToken is LocalUsdc {
    constructor(string memory name_, string memory symbol_, string memory version_)
        LocalUsdc(name_, symbol_, version_)
    {}

    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0)) return super._update(from, to, value);
        uint256 fee = value / 100;
        super._update(from, to, value - fee);
        super._update(from, address(this), fee);
    }
}
