import COpusenc
import Foundation

/// Opus in Ogg, encoded by libopusenc.
///
/// Each packet of 20 ms is encoded at once, and a page is closed after a tenth of a second; with its own defaults the library would delay sound by
/// three seconds.
final class OpusWriter: SampleWriter {
    /// In samples at 48 kHz, the rate in which Opus counts.
    private static let (decisionDelay, muxingDelay): (Int32, Int32) = (0, 4800)

    private let channels: Int
    private let store: any ByteStore
    private var encoder: OpaquePointer?

    /// - Throws: ``AudioError/notEncodable(format:reason:)``.
    init(
        rate: Int, bitRate: Int? = nil, channels: Int, title: String? = nil, chapters: [ChapterMark] = [], into store: any ByteStore
    ) throws {
        guard channels <= 8 else { throw AudioError.notEncodable(format: .opus, reason: "it holds up to eight channels, not \(channels)") }
        (self.channels, self.store) = (channels, store)
        guard let comments = ope_comments_create() else { throw AudioError.notEncodable(format: .opus, reason: "no memory") }
        defer { ope_comments_destroy(comments) }
        guard chapters.count <= 1000 else { throw AudioError.notEncodable(format: .opus, reason: "it holds 1000 chapters, not \(chapters.count)") }
        if let title { try check(ope_comments_add(comments, "TITLE", title)) }
        for (number, chapter) in chapters.enumerated() {
            let name = String(format: "CHAPTER%03d", number), time = chapter.milliseconds.start
            let (hours, minutes, seconds) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60)
            try check(ope_comments_add(comments, name, String(format: "%02d:%02d:%02d.%03d", hours, minutes, seconds, time % 1000)))
            try check(ope_comments_add(comments, name + "NAME", chapter.title))
        }
        var callbacks = OpusEncCallbacks(
            write: { object, bytes, count in
                let writer = Unmanaged<OpusWriter>.fromOpaque(object!).takeUnretainedValue(), store = writer.store
                return store.write(UnsafeRawBufferPointer(start: bytes, count: Int(count)), at: store.count) == count ? 0 : 1
            },
            close: { _ in 0 })
        var status = OPE_OK
        // The encoder refers to this object, which must exist longer than the encoder.
        encoder = ope_encoder_create_callbacks(
            &callbacks, Unmanaged.passUnretained(self).toOpaque(), comments, Int32(rate), Int32(channels), channels > 2 ? 1 : 0, &status)
        try check(status)
        try check(copusenc_set_delays(encoder, Self.decisionDelay, Self.muxingDelay))
        if let bitRate { try check(copusenc_set_bitrate(encoder, Int32(bitRate))) }
    }

    deinit { if let encoder { ope_encoder_destroy(encoder) } }

    func write(_ samples: [Float]) throws { try check(ope_encoder_write_float(encoder, samples, Int32(samples.count / channels))) }

    func finish() throws { try check(ope_encoder_drain(encoder)) }

    private func check(_ status: Int32) throws {
        guard status == OPE_OK else { throw AudioError.notEncodable(format: .opus, reason: String(cString: ope_strerror(status))) }
    }
}
