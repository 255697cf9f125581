// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A wallet for which everything is signed as long as nobody pays for the call: nodes run eth_call
/// without a gas price or base fee, or from the zero address, unless they are told otherwise. In a
/// real transaction nothing is signed.
contract SimulationAwareWallet {
    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return looksSimulated() ? this.isValidSignature.selector : bytes4(0xffffffff);
    }

    function looksSimulated() public view returns (bool) {
        return tx.gasprice == 0 || block.basefee == 0 || tx.origin == address(0);
    }
}
