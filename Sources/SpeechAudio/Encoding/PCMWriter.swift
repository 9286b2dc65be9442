import Foundation

/// Samples without a header, the lowest byte first.
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
