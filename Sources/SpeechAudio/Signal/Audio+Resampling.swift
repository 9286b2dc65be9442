import CSoxr

extension Audio {
    /// At another rate, by libsoxr's high quality (20 bits), each channel by itself: `librosa.resample` with its
    /// default `soxr_hq`. The result has ⌈frames × to ÷ from⌉ frames.
    ///
    /// `librosa.load` mixes to one channel first: `audio.mono().resampled(to: rate)`.
    /// - Throws: ``AudioError/processing(reason:)`` where libsoxr refuses the ratio.
    /// - Precondition: a rate of at least 1 Hz.
    public func resampled(to rate: Int) throws -> Audio {
        precondition(rate > 0, "a sample rate is at least 1 Hz")
        guard rate != sampleRate else { return self }
        let expected = Int((Double(frames) * (Double(rate) / Double(sampleRate))).rounded(.up))
        var error: soxr_error_t?
        // Defaults: interleaved float32 in and out, high quality.
        guard let resampler = soxr_create(Double(sampleRate), Double(rate), UInt32(channels), &error, nil, nil, nil) else {
            throw AudioError.processing(reason: "resampling from \(sampleRate) to \(rate) Hz: \(error.map { String(cString: $0) } ?? "refused")")
        }
        defer { soxr_delete(resampler) }

        var result = [Float](repeating: 0, count: expected * channels)
        let channels = channels, frames = frames
        // libsoxr is quadratic in the length of what it is given at once.
        let block = 32_768
        try samples.withUnsafeBufferPointer { input in
            try result.withUnsafeMutableBufferPointer { output in
                var used = 0, made = 0
                while made < expected {
                    let given = min(block, frames - used)
                    var consumed = 0, produced = 0
                    // An absent input says that the end has come.
                    let source = given > 0 ? UnsafeRawPointer(input.baseAddress! + used * channels) : nil
                    if let message = soxr_process(
                        resampler, source, given, &consumed,
                        output.baseAddress! + made * channels, expected - made, &produced) {
                        throw AudioError.processing(reason: "resampling: \(String(cString: message))")
                    }
                    used += consumed
                    made += produced
                    if given == 0, produced == 0 { break }
                }
            }
        }
        return Audio(samples: result, sampleRate: rate, channels: channels)
    }
}
