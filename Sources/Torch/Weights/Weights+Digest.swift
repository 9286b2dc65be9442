extension Weights {
    /// Tells this scope's network from others: it is the same for the same weights in whatever kind of file and scope.
    ///
    /// SHA-256, 64 hexadecimal digits, over the tensors that layers have asked for, by name: each one's name within the
    /// scope, element type, shape and bytes, as the file stores them. Of a tensor of more than 256 bytes four pieces of 64
    /// are read, evenly from the first byte to the last, so that half a gigabyte costs some milliseconds. Training changes
    /// all of a tensor; what changed elsewhere alone, damage for instance, is not seen.
    ///
    /// - Throws: ``TorchError`` where a tensor cannot be copied from its device.
    public func digest() throws -> String {
        let skipped = path.isEmpty ? 0 : path.utf8.count + 1
        let named = parameters.map { (name: String(decoding: $0.key.utf8.dropFirst(skipped), as: UTF8.self), full: $0.key, tensor: $0.value) }
        var sum = SHA256()
        for (name, full, tensor) in named.sorted(by: { Array($0.name.utf8).lexicographicallyPrecedes(Array($1.name.utf8)) }) {
            let stored = try store.source.stored(full) ?? tensor
            sum.update("\(name)\0\(stored.dtype.rawValue)\0\(stored.shape)\0".utf8)
            try stored.withBytes { bytes in
                for piece in Self.sample(of: bytes.count) { sum.update(bytes[piece]) }
            }
        }
        return sum.finish()
    }

    /// The bytes of a tensor that its digest reads.
    static func sample(of count: Int) -> [Range<Int>] {
        let (pieces, length) = (4, 64)
        guard count > pieces * length else { return [0..<count] }
        return (0..<pieces).map { (count - length) * $0 / (pieces - 1) }.map { $0..<$0 + length }
    }
}
