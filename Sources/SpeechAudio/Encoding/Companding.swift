/// Samples of 16 bits in 8, as ITU-T G.711 has them: small ones finely, large ones coarsely.
enum Companding {
    /// By the µ-law: 14 bits count, in eight segments that each double the step of the one before.
    static func muLaw(_ sample: Int16) -> UInt8 {
        // The decision values lie 33 below powers of two, in units of four.
        let magnitude = min(Int(sample.magnitude) + 132, 32_767), segment = Int.bitWidth - 8 - magnitude.leadingZeroBitCount
        let code = segment << 4 | magnitude >> (segment + 3) & 0xF
        return ~UInt8(code | (sample < 0 ? 0x80 : 0))
    }

    /// By the A-law: 13 bits count, in eight segments of which the first two have the same step; every other bit is inverted.
    static func aLaw(_ sample: Int16) -> UInt8 {
        // Those below zero are as far from it as the ones above, but for the last step.
        let magnitude = Int(sample < 0 ? ~sample : sample) >> 3, segment = max(0, Int.bitWidth - 5 - magnitude.leadingZeroBitCount)
        let code = segment << 4 | magnitude >> max(1, segment) & 0xF
        return UInt8(code | (sample < 0 ? 0 : 0x80)) ^ 0x55
    }
}
