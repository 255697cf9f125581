// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalUsdc} from "LocalUsdc.sol";

/// A token whose `transferWithAuthorization` succeeds, whatever it is given, and does nothing.
contract NoopToken is LocalUsdc {
    constructor(string memory name_, string memory symbol_, string memory version_)
        LocalUsdc(name_, symbol_, version_)
    {}

    function _authorized(bytes32, address, address, uint256, uint256, uint256, bytes32, bytes memory)
        internal
        override
    {}
}
