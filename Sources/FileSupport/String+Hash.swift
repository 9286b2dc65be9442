extension String {
    /// FNV-1a over its UTF-8, the same on each machine and each day; no proof against anybody who wants two texts to have the same.
    package var fnv1a: UInt64 { utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}
