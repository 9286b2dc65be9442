import CLame
import Foundation

/// MP3 of a constant bit rate, encoded by LAME.
///
/// If the store takes corrections, a first frame without sound states the length and how much to leave out at both ends (LAME's tag, after Xing's);
/// in a pipe there is none. It is preceded by an ID3 tag only if there are a title or chapters.
final class MP3Writer: SampleWriter {
    /// Bits per second; at the rates of MPEG-2.5, 12 kHz and below, at most 64,000.
    static let bitRate = 128_000

    private let lame: lame_t
    private let channels: Int
    private let store: any ByteStore
    /// The number of bytes before the first frame.
    private let tagged: Int

    /// - Throws: ``AudioError/notEncodable(format:reason:)``.
    init(rate: Int, bitRate: Int? = nil, channels: Int, tag: ID3Tag = ID3Tag(title: nil, chapters: []), into store: any ByteStore) throws {
        let bitRate = bitRate ?? (rate <= 12_000 ? Self.bitRate / 2 : Self.bitRate)
        guard Self.kilobits(at: rate).contains(bitRate / 1000), bitRate % 1000 == 0 else {
            throw AudioError.notEncodable(format: .mp3, reason: "there is no bit rate of \(bitRate) at \(rate) Hz")
        }
        guard channels <= 2 else { throw AudioError.notEncodable(format: .mp3, reason: "it holds one channel or two, not \(channels)") }
        let tag = try tag.bytes()
        guard let lame = lame_init() else { throw AudioError.notEncodable(format: .mp3, reason: "no memory") }
        (self.lame, self.channels, self.store, tagged) = (lame, channels, store, tag.count)
        lame_set_in_samplerate(lame, Int32(rate))
        lame_set_out_samplerate(lame, Int32(rate))
        lame_set_num_channels(lame, Int32(channels))
        lame_set_mode(lame, channels == 1 ? MONO : JOINT_STEREO)
        lame_set_VBR(lame, vbr_off)
        lame_set_brate(lame, Int32(bitRate / 1000))
        lame_set_write_id3tag_automatic(lame, 0)
        lame_set_bWriteVbrTag(lame, store.takesCorrections ? 1 : 0)
        guard lame_init_params(lame) >= 0 else {
            throw AudioError.notEncodable(format: .mp3, reason: "\(channels) channels at \(rate) Hz")
        }
        if !tag.isEmpty { try store.append(tag, of: .mp3) }
    }

    deinit { lame_close(lame) }

    /// The bit rates of MPEG-1, and those of MPEG-2 and 2.5, for sample rates below 32 kHz; LAME would use the nearest one instead of any other.
    private static func kilobits(at rate: Int) -> [Int] {
        if rate >= 32_000 { return [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320] }
        let rates = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160]
        return rate <= 12_000 ? rates.filter { $0 <= 64 } : rates
    }

    func write(_ samples: [Float]) throws {
        let frames = Int32(samples.count / channels)
        try store(capacity: samples.count / channels * 5 / 4 + 7200) { bytes, count in
            channels == 1
                ? lame_encode_buffer_ieee_float(lame, samples, nil, frames, bytes, count)
                : lame_encode_buffer_interleaved_ieee_float(lame, samples, frames, bytes, count)
        }
    }

    func finish() throws {
        try store(capacity: 7200) { lame_encode_flush(lame, $0, $1) }
        guard store.takesCorrections else { return }
        // Written in place of the first frame, which was reserved for it.
        var tag = [UInt8](repeating: 0, count: 4096)
        let count = lame_get_lametag_frame(lame, &tag, tag.count)
        guard count <= tag.count, tag.withUnsafeBytes({ store.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: tagged) }) == count else {
            throw AudioError.notEncodable(format: .mp3, reason: "its header cannot be stored")
        }
    }

    /// Stores the bytes that LAME returns; it returns their number, or a negative number on failure.
    private func store(capacity: Int, _ make: (UnsafeMutablePointer<UInt8>?, Int32) -> Int32) throws {
        var made: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            made = make(buffer.baseAddress, Int32(capacity))
            count = max(0, Int(made))
        }
        guard made >= 0 else { throw AudioError.notEncodable(format: .mp3, reason: "LAME's error \(made)") }
        try store.append(bytes, of: .mp3)
    }
}
