import Foundation

/// Converts samples into a format's bytes and writes them to a store; each implementation uses one library.
protocol SampleWriter: AnyObject {
    /// Writes interleaved samples, whole frames.
    ///
    /// - Throws: ``AudioError/notEncodable(format:reason:)``. A failure of the store is reported by the store.
    func write(_ samples: [Float]) throws

    /// Completes the sound; called once, after all samples have been written.
    func finish() throws
}

/// Conversion of samples to integers.
enum WholeNumbers {
    /// The nearest 16-bit integers, with full scale at 32768, so that samples read as 16 bits are written unchanged.
    static func int16(_ samples: [Float]) -> [Int16] {
        samples.map { Int16(max(-32_768, min(32_767, ($0 * 32_768).rounded()))) }
    }

    /// The same with 24 bits, in the upper bits of 32 as libsndfile expects them.
    static func int24(_ samples: [Float]) -> [Int32] {
        samples.map { Int32(max(-8_388_608, min(8_388_607, ($0 * 8_388_608).rounded()))) << 8 }
    }
}

/// Little-endian samples without a header.
final class PCMWriter: SampleWriter {
    private let encoding: SampleEncoding
    private let store: any ByteStore

    init(_ encoding: SampleEncoding, into store: any ByteStore) { (self.encoding, self.store) = (encoding, store) }

    func write(_ samples: [Float]) throws { try store.append(raw(samples), of: .pcm) }

    func finish() {}

    private func raw(_ samples: [Float]) -> Data {
        switch encoding {
        case .int16: WholeNumbers.int16(samples).map(\.littleEndian).withUnsafeBytes { Data($0) }
        case .int24: Data(WholeNumbers.int24(samples).flatMap { sample in [8, 16, 24].map { UInt8(truncatingIfNeeded: sample >> $0) } })
        case .float32: samples.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) }
        case .muLaw: Data(WholeNumbers.int16(samples).map(Companding.muLaw))
        case .aLaw: Data(WholeNumbers.int16(samples).map(Companding.aLaw))
        }
    }
}

/// 16-bit samples in 8 bits according to ITU-T G.711: small values finely, large ones coarsely.
enum Companding {
    /// µ-law: 14 bits are used, in eight segments, each with twice the step of the one before.
    static func muLaw(_ sample: Int16) -> UInt8 {
        // The decision values are 33 below powers of two, in units of four.
        let magnitude = min(Int(sample.magnitude) + 132, 32_767), segment = Int.bitWidth - 8 - magnitude.leadingZeroBitCount
        let code = segment << 4 | magnitude >> (segment + 3) & 0xF
        return ~UInt8(code | (sample < 0 ? 0x80 : 0))
    }

    /// A-law: 13 bits are used, in eight segments, of which the first two have the same step; every other bit is inverted.
    static func aLaw(_ sample: Int16) -> UInt8 {
        // Negative values mirror the positive ones, except for the last step.
        let magnitude = Int(sample < 0 ? ~sample : sample) >> 3, segment = max(0, Int.bitWidth - 5 - magnitude.leadingZeroBitCount)
        let code = segment << 4 | magnitude >> max(1, segment) & 0xF
        return UInt8(code | (sample < 0 ? 0 : 0x80)) ^ 0x55
    }
}
