// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// A wallet that answers about signatures with `size` bytes, the first four of which are `start`:
/// returned, or reverted with.
contract ReturnBombWallet {
    bytes4 private immutable start;
    uint256 private immutable size;
    bool private immutable reverts;

    constructor(bytes4 start_, uint256 size_, bool reverts_) {
        start = start_;
        size = size_;
        reverts = reverts_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        bytes32 first = start;
        uint256 length = size;
        bool fails = reverts;
        assembly ("memory-safe") {
            let from := mload(0x40)
            mstore(from, first)
            if fails { revert(from, length) }
            return(from, length)
        }
    }
}
