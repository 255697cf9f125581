// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Emits Transfer in the name of another address.
contract Mouthpiece {
    event Transfer(address indexed from, address indexed to, uint256 value);

    function say(address from, address to, uint256 value) external {
        emit Transfer(from, to, value);
    }
}
