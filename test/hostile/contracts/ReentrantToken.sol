// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalUsdc} from "LocalUsdc.sol";

/// A token that, once armed, makes a call before the next transfer: to `target`, or to whoever called
/// the token if that is the zero address. What came of it can be asked.
contract ReentrantToken is LocalUsdc {
    address public target;
    bytes public data;
    bool public armed;
    bool public succeeded;
    bytes public returned;

    constructor(string memory name_, string memory symbol_, string memory version_)
        LocalUsdc(name_, symbol_, version_)
    {}

    function arm(address target_, bytes calldata data_) external {
        (target, data, armed) = (target_, data_, true);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (armed && from != address(0)) {
            armed = false;
            (succeeded, returned) = (target == address(0) ? msg.sender : target).call(data);
        }
        super._update(from, to, value);
    }
}
