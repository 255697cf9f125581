// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token for local chains with nothing beyond ERC-20: no EIP-3009, no EIP-2612. 18 decimals.
/// Anyone may mint. Nothing is set in storage, so the runtime code works at any address.
contract LocalPlainToken is ERC20("", "") {
    function name() public pure override returns (string memory) {
        return "Plain Dollar";
    }

    function symbol() public pure override returns (string memory) {
        return "PLAIN";
    }

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }
}
