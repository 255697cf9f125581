// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// A token for local chains with EIP-2612 as OpenZeppelin has it (ECDSA only, custom errors), and
/// without EIP-3009. 18 decimals, EIP-712 version "1". Anyone may mint. Nothing is set in storage,
/// so the runtime code works at any address.
contract LocalPermitToken is ERC20("", ""), ERC20Permit("Permit Dollar") {
    function name() public view override returns (string memory) {
        return _EIP712Name();
    }

    function symbol() public pure override returns (string memory) {
        return "PERMIT";
    }

    function version() external view returns (string memory) {
        return _EIP712Version();
    }

    function mint(address to, uint256 value) external {
        _mint(to, value);
    }
}
