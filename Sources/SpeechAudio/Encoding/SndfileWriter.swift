import CSndfile
import Foundation

/// WAV and FLAC, written by libsndfile.
final class SndfileWriter: SampleWriter {
    private let format: AudioFormat
    private let encoding: SampleEncoding
    private let channels: Int
    private let store: any ByteStore
    private let file: VirtualFile
    /// nil after the file is finished.
    private var handle: OpaquePointer?

    /// - Throws: ``AudioError/notEncodable(format:reason:)``.
    init(_ format: AudioFormat, _ encoding: SampleEncoding, rate: Int, channels: Int, into store: any ByteStore) throws {
        (self.format, self.encoding, self.channels, self.store) = (format, encoding, channels, store)
        file = VirtualFile(store)
        var info = SF_INFO()
        info.samplerate = Int32(rate)
        info.channels = Int32(channels)
        info.format = Int32((format == .flac ? SF_FORMAT_FLAC : SF_FORMAT_WAV) | encoding.subtype)
        guard sf_format_check(&info) != 0 else {
            throw AudioError.notEncodable(format: format, reason: "\(channels) channels at \(rate) Hz")
        }
        handle = file.open(SFM_WRITE, &info)
        guard handle != nil else { throw AudioError.notEncodable(format: format, reason: String(cString: sf_strerror(nil))) }
    }

    deinit { if let handle { sf_close(handle) } }

    func write(_ samples: [Float]) throws {
        guard format != .wav || store.count + samples.count * encoding.byteCount < Int(UInt32.max) else {
            throw AudioError.notEncodable(format: format, reason: "it holds 4 GiB at most; use flac, mp3, aac or opus")
        }
        let count = sf_count_t(samples.count / channels)
        // libsndfile itself would round towards minus infinity, which shifts the sound.
        let written =
            switch encoding {
            case .int16, .muLaw, .aLaw: sf_writef_short(handle, WholeNumbers.int16(samples), count)
            case .int24: sf_writef_int(handle, WholeNumbers.int24(samples), count)
            case .float32: sf_writef_float(handle, samples, count)
            }
        guard written == count else { throw AudioError.notEncodable(format: format, reason: String(cString: sf_strerror(handle))) }
    }

    func finish() throws {
        guard let handle else { return }
        self.handle = nil
        let reason = String(cString: sf_strerror(handle))
        guard sf_close(handle) == 0 else { throw AudioError.notEncodable(format: format, reason: reason) }
    }
}

extension SampleEncoding {
    /// Bytes per sample.
    var byteCount: Int {
        switch self {
        case .int16: 2
        case .muLaw, .aLaw: 1
        case .int24: 3
        case .float32: 4
        }
    }

    /// libsndfile's code.
    fileprivate var subtype: Int {
        switch self {
        case .int16: SF_FORMAT_PCM_16
        case .int24: SF_FORMAT_PCM_24
        case .float32: SF_FORMAT_FLOAT
        case .muLaw: SF_FORMAT_ULAW
        case .aLaw: SF_FORMAT_ALAW
        }
    }
}
