import CSndfile
import Foundation

/// Makes a sound file's bytes from sound that comes piece by piece; its header is complete when all of it has come.
final class SoundEncoder {
    /// How errors call the sound.
    private static let name = "the sound to be written"

    private let format: AudioFormat
    private let encoding: SampleEncoding
    private let sampleRate, channels: Int
    private let store: any ByteStore
    private let file: VirtualFile
    /// libsndfile's; nil for samples without a header, and when the file is finished.
    private var handle: OpaquePointer?
    /// To a rate that the format has.
    private let resampler: StreamResampler?
    /// Frames that have come.
    private(set) var frames = 0

    /// - Parameter store: takes the bytes; what fails there is its to tell.
    /// - Throws: ``AudioError/notEncodable(format:reason:)`` where the format does not take such a sound.
    init(_ format: AudioFormat, _ encoding: SampleEncoding, sampleRate: Int, channels: Int, into store: any ByteStore) throws {
        if encoding == .float32, format != .wav, format != .pcm {
            throw AudioError.notEncodable(format: format, reason: "it stores no floating-point samples; use wav or pcm")
        }
        if encoding == .int24, format == .mp3 || format == .opus {
            throw AudioError.notEncodable(format: format, reason: "it stores no samples of 24 bits; use wav, flac or pcm")
        }
        (self.format, self.encoding, self.sampleRate, self.channels) = (format, encoding, sampleRate, channels)
        self.store = store
        file = VirtualFile(store)
        let rate = format.rate(for: sampleRate)
        resampler = rate == sampleRate ? nil : try StreamResampler(from: sampleRate, to: rate, channels: channels)
        if let code = format.code(encoding) { handle = try open(code, rate: rate) }
    }

    deinit { if let handle { sf_close(handle) } }

    private func open(_ code: Int, rate: Int) throws -> OpaquePointer {
        var info = SF_INFO()
        info.samplerate = Int32(rate)
        info.channels = Int32(channels)
        info.format = Int32(code)
        guard sf_format_check(&info) != 0 else {
            throw AudioError.notEncodable(format: format, reason: "\(channels) channels at \(rate) Hz")
        }
        guard let handle = file.open(SFM_WRITE, &info) else {
            throw AudioError.notEncodable(format: format, reason: String(cString: sf_strerror(nil)))
        }
        // Without this, samples beyond full scale wrap around in lossy formats.
        sf_command(handle, Int32(SFC_SET_CLIPPING), nil, Int32(SF_TRUE))
        return handle
    }

    /// Takes sound that follows what has come; none is allowed.
    ///
    /// - Throws: ``AudioError/notFinite(name:sample:)`` with the sample's place in the whole sound,
    ///   ``AudioError/notEncodable(format:reason:)`` where the format or the store takes no more.
    func append(_ audio: Audio) throws {
        precondition(audio.sampleRate == sampleRate && audio.channels == channels, "sound of the rate and the channels that were announced")
        if let sample = audio.samples.firstIndex(where: { !$0.isFinite }) {
            throw AudioError.notFinite(name: Self.name, sample: frames * channels + sample)
        }
        frames += audio.frames
        try write(resampler?.process(audio.samples) ?? audio.samples)
    }

    /// Completes the file.
    ///
    /// - Throws: ``AudioError/noSamples(name:)`` where no sound has come; as ``append(_:)``.
    func finish() throws {
        guard frames > 0 else { throw AudioError.noSamples(name: Self.name) }
        if let resampler { try write(resampler.finish()) }
        guard let handle else { return }
        self.handle = nil
        let reason = String(cString: sf_strerror(handle))
        guard sf_close(handle) == 0 else { throw AudioError.notEncodable(format: format, reason: reason) }
    }

    private func write(_ samples: [Float]) throws {
        guard !samples.isEmpty else { return }
        let stored = encoding.bytes
        guard let handle else {
            let bytes = switch encoding {
            case .int16: Self.int16(samples).map(\.littleEndian).withUnsafeBytes { store.write($0, at: store.count) }
            case .int24:
                Self.int24(samples).flatMap { sample in [8, 16, 24].map { UInt8(truncatingIfNeeded: sample >> $0) } }
                    .withUnsafeBytes { store.write($0, at: store.count) }
            case .float32: samples.map(\.bitPattern.littleEndian).withUnsafeBytes { store.write($0, at: store.count) }
            }
            guard bytes == samples.count * stored else { throw AudioError.notEncodable(format: format, reason: "it cannot be stored") }
            return
        }
        guard format != .wav || store.count + samples.count * stored < Int(UInt32.max) else {
            throw AudioError.notEncodable(format: format, reason: "it holds 4 GiB at most; use flac, mp3 or opus")
        }
        let count = sf_count_t(samples.count / channels)
        // libsndfile itself would round down, which shifts the sound.
        let written = switch encoding {
        case .int16 where format.storesIntegers: sf_writef_short(handle, Self.int16(samples), count)
        case .int24: sf_writef_int(handle, Self.int24(samples), count)
        case .int16, .float32: sf_writef_float(handle, samples, count)
        }
        guard written == count else { throw AudioError.notEncodable(format: format, reason: String(cString: sf_strerror(handle))) }
    }

    /// The nearest whole numbers, of which 32768 are full scale, so that what was read as 16 bits is written as it was.
    private static func int16(_ samples: [Float]) -> [Int16] {
        samples.map { Int16(max(-32_768, min(32_767, ($0 * 32_768).rounded()))) }
    }

    /// Likewise of 24 bits, in the upper bits of 32 as libsndfile takes them.
    private static func int24(_ samples: [Float]) -> [Int32] {
        samples.map { Int32(max(-8_388_608, min(8_388_607, ($0 * 8_388_608).rounded()))) << 8 }
    }
}

extension SampleEncoding {
    /// Bytes of a sample.
    fileprivate var bytes: Int {
        switch self {
        case .int16: 2
        case .int24: 3
        case .float32: 4
        }
    }

    /// libsndfile's number of it.
    fileprivate var code: Int {
        switch self {
        case .int16: SF_FORMAT_PCM_16
        case .int24: SF_FORMAT_PCM_24
        case .float32: SF_FORMAT_FLOAT
        }
    }
}

extension AudioFormat {
    /// libsndfile's number of it; nil for samples without a header.
    fileprivate func code(_ encoding: SampleEncoding) -> Int? {
        switch self {
        case .pcm: nil
        case .wav: SF_FORMAT_WAV | encoding.code
        case .flac: SF_FORMAT_FLAC | encoding.code
        case .mp3: SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III
        case .opus: SF_FORMAT_OGG | SF_FORMAT_OPUS
        }
    }

    /// Whether it keeps whole numbers as they are.
    fileprivate var storesIntegers: Bool { self == .wav || self == .flac || self == .pcm }

    /// The rate that it stores sound of a rate at: the next higher that it has, so that nothing is lost, or its highest.
    fileprivate func rate(for rate: Int) -> Int {
        let rates = switch self {
        case .opus: [8000, 12_000, 16_000, 24_000, 48_000]
        case .mp3: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
        case .wav, .flac, .pcm: [rate]
        }
        return rates.first { $0 >= rate } ?? rates.last!
    }
}
