import CSoxr

/// Resamples sound that comes piece by piece, by libsoxr's high quality (20 bits): joined, what it gives is what the
/// whole gives at once.
final class StreamResampler {
    private let ratio: Double
    private let channels: Int
    private let resampler: OpaquePointer
    private var (taken, made) = (0, 0)

    /// Frames that libsoxr is given at a time: its work is quadratic in them.
    private static let block = 32_768

    /// - Throws: ``AudioError/processing(reason:)`` where libsoxr refuses the ratio.
    init(from rate: Int, to newRate: Int, channels: Int) throws {
        var error: soxr_error_t?
        // Defaults: interleaved float32 in and out, high quality.
        guard let resampler = soxr_create(Double(rate), Double(newRate), UInt32(channels), &error, nil, nil, nil) else {
            throw AudioError.processing(reason: "resampling from \(rate) to \(newRate) Hz: \(error.map { String(cString: $0) } ?? "refused")")
        }
        self.resampler = resampler
        self.channels = channels
        ratio = Double(newRate) / Double(rate)
    }

    deinit { soxr_delete(resampler) }

    /// Takes interleaved samples and gives those that are certain by now.
    func process(_ samples: [Float]) throws -> [Float] {
        var result: [Float] = []
        let frames = samples.count / channels
        var used = 0
        while used < frames {
            let given = min(Self.block, frames - used)
            let range = used * channels..<(used + given) * channels
            used += try samples.withUnsafeBufferPointer { try step(UnsafeBufferPointer(rebasing: $0[range]), into: &result) }
        }
        taken += frames
        return result
    }

    /// Gives the rest: ⌈frames × to ÷ from⌉ frames are it in all.
    func finish() throws -> [Float] {
        var result: [Float] = []
        let expected = Int((Double(taken) * ratio).rounded(.up))
        let before = made
        while made < expected {
            let known = made
            _ = try step(nil, into: &result)
            if made == known { break }
        }
        let missing = (expected - before) * channels
        return result.prefix(missing) + [Float](repeating: 0, count: max(0, missing - result.count))
    }

    /// - Parameter input: nil says that the end has come.
    /// - Returns: frames that were used.
    private func step(_ input: UnsafeBufferPointer<Float>?, into result: inout [Float]) throws -> Int {
        let given = (input?.count ?? 0) / channels
        let room = Int(Double(max(given, 4096)) * ratio) + 64
        var used = 0, produced = 0
        let piece = try [Float](unsafeUninitializedCapacity: room * channels) { output, count in
            if let message = soxr_process(resampler, input?.baseAddress, given, &used, output.baseAddress, room, &produced) {
                throw AudioError.processing(reason: "resampling: \(String(cString: message))")
            }
            count = produced * channels
        }
        made += produced
        result += piece
        return used
    }
}
