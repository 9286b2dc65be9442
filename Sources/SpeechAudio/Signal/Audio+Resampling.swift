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
        let resampler = try StreamResampler(from: sampleRate, to: rate, channels: channels)
        let beginning = try resampler.process(samples)
        return Audio(samples: beginning + (try resampler.finish()), sampleRate: rate, channels: channels)
    }
}
