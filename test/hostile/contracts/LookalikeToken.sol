// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalUsdc} from "LocalUsdc.sol";
import {Mouthpiece} from "./Mouthpiece.sol";

/// A token that moves nothing but logs something like a transfer, and uses up the authorization as
/// it should. What it logs, by `kind`:
/// 0: the right Transfer, from another contract. 1: a Transfer with one unit less. 2: a Transfer with
/// payer and payee swapped. 3: a Transfer with no indexed parameter. 4: an event of another name
/// with the right parameters.
contract LookalikeToken is LocalUsdc {
    uint256 private immutable kind;
    Mouthpiece private immutable mouthpiece;

    event Transferred(address indexed from, address indexed to, uint256 value);

    constructor(string memory name_, string memory symbol_, string memory version_, uint256 kind_, Mouthpiece other)
        LocalUsdc(name_, symbol_, version_)
    {
        kind = kind_;
        mouthpiece = other;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0)) return super._update(from, to, value);
        if (kind == 0) mouthpiece.say(from, to, value);
        if (kind == 1) emit Transfer(from, to, value - 1);
        if (kind == 2) emit Transfer(to, from, value);
        if (kind == 3) _logWithoutIndex(from, to, value);
        if (kind == 4) emit Transferred(from, to, value);
    }

    function _logWithoutIndex(address from, address to, uint256 value) private {
        bytes memory data = abi.encode(from, to, value);
        bytes32 topic = Transfer.selector;
        assembly ("memory-safe") {
            log1(add(data, 0x20), mload(data), topic)
        }
    }
}
