/// Checks sound that arrives piece by piece, resamples it to a rate that the format supports, and has it encoded into a store.
final class SoundWriter {
    /// The sound's name in errors.
    private static let name = "the sound to be written"

    private let sampleRate, channels: Int
    private let samples: any SampleWriter
    /// Resamples to a rate that the format supports.
    private let resampler: StreamResampler?
    /// The number of frames received so far.
    private(set) var frames = 0

    /// - Parameter store: where the bytes are written; it reports its own failures.
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` if the format does not support such a sound.
    init(_ sound: SoundFormat, sampleRate: Int, channels: Int, into store: any ByteStore) throws {
        let (format, encoding) = (sound.format, sound.encoding)
        if encoding == .float32, format != .wav, format != .pcm {
            throw AudioError.notEncodable(format: format, reason: "it stores no floating-point samples; use wav or pcm")
        }
        if encoding == .int24, ![.wav, .flac, .pcm].contains(format) {
            throw AudioError.notEncodable(format: format, reason: "it stores no samples of 24 bits; use wav, flac or pcm")
        }
        if encoding == .muLaw || encoding == .aLaw, format != .wav, format != .pcm {
            throw AudioError.notEncodable(format: format, reason: "it stores no companded samples; use wav or pcm")
        }
        if sound.bitRate != nil, format != .mp3, format != .opus {
            throw AudioError.notEncodable(format: format, reason: "its bit rate cannot be chosen; use mp3 or opus")
        }
        if !sound.chapters.isEmpty, format != .mp3, format != .opus {
            throw AudioError.notEncodable(format: format, reason: "it holds no chapters; use mp3 or opus")
        }
        (self.sampleRate, self.channels) = (sampleRate, channels)
        let rate = sound.sampleRate ?? format.rate(for: sampleRate)
        if let chosen = sound.sampleRate, !(1000...384_000).contains(chosen) || format.rate(for: chosen) != chosen {
            throw AudioError.notEncodable(format: format, reason: "it is not stored at \(chosen) Hz")
        }
        resampler = rate == sampleRate ? nil : try StreamResampler(from: sampleRate, to: rate, channels: channels)
        samples =
            switch format {
            case .wav, .flac: try SndfileWriter(format, encoding, rate: rate, channels: channels, into: store)
            case .mp3:
                try MP3Writer(
                    rate: rate, bitRate: sound.bitRate, channels: channels, tag: ID3Tag(title: sound.title, chapters: sound.chapters), into: store)
            case .aac: try AACWriter(rate: rate, channels: channels, into: store)
            case .opus:
                try OpusWriter(
                    rate: rate, bitRate: sound.bitRate, channels: channels, title: sound.title, chapters: sound.chapters, into: store)
            case .pcm: PCMWriter(encoding, into: store)
            }
    }

    /// Appends sound, which may be empty.
    ///
    /// - Throws: ``AudioError/notFinite(name:sample:)`` with the sample's index in the complete sound, ``AudioError/notEncodable(format:reason:)`` if
    ///   the format or the store cannot store more.
    func append(_ audio: Audio) throws {
        precondition(audio.sampleRate == sampleRate && audio.channels == channels, "sound of the rate and the channels that were announced")
        if let sample = audio.samples.firstIndex(where: { !$0.isFinite }) {
            throw AudioError.notFinite(name: Self.name, sample: frames * channels + sample)
        }
        frames += audio.frames
        try write(resampler?.process(audio.samples) ?? audio.samples)
    }

    /// Completes the sound.
    ///
    /// - Throws: ``AudioError/noSamples(name:)`` if no sound was appended; otherwise as ``append(_:)``.
    func finish() throws {
        guard frames > 0 else { throw AudioError.noSamples(name: Self.name) }
        if let resampler { try write(resampler.finish()) }
        try samples.finish()
    }

    private func write(_ new: [Float]) throws {
        if !new.isEmpty { try samples.write(new) }
    }
}

extension AudioFormat {
    /// The sample rate at which sound of a given rate is stored: the next higher that the format supports, so that nothing is lost, or its highest.
    fileprivate func rate(for rate: Int) -> Int {
        let rates =
            switch self {
            case .opus: [8000, 12_000, 16_000, 24_000, 48_000]
            case .mp3: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
            case .aac: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000]
            case .wav, .flac, .pcm: [rate]
            }
        return rates.first { $0 >= rate } ?? rates.last!
    }
}
