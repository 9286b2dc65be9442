/// Turns samples into a format's bytes and puts them into a store: one of the libraries that know formats.
protocol SampleWriter: AnyObject {
    /// Takes interleaved samples, whole frames.
    ///
    /// - Throws: ``AudioError/notEncodable(format:reason:)``. What fails in the store is the store's to tell.
    func write(_ samples: [Float]) throws

    /// Completes the sound; called once, after all samples.
    func finish() throws
}

/// Samples as whole numbers.
enum WholeNumbers {
    /// The nearest of 16 bits, of which 32768 are full scale, so that what was read as 16 bits is written as it was.
    static func int16(_ samples: [Float]) -> [Int16] {
        samples.map { Int16(max(-32_768, min(32_767, ($0 * 32_768).rounded()))) }
    }

    /// Likewise of 24 bits, in the upper bits of 32 as libsndfile takes them.
    static func int24(_ samples: [Float]) -> [Int32] {
        samples.map { Int32(max(-8_388_608, min(8_388_607, ($0 * 8_388_608).rounded()))) << 8 }
    }
}
