import Foundation

/// The format of a file, detected from its first bytes.
enum SoundContainer {
    /// A container that ffmpeg reads and libsndfile does not.
    enum Foreign: String {
        case mpeg4 = "MPEG-4 (m4a, mp4)"
        case matroska = "WebM or Matroska"
        case caf = "Core Audio (caf)"
        case adts = "AAC"

        init?(_ bytes: Data) {
            if bytes.dropFirst(4).starts(with: "ftyp".utf8) {
                self = .mpeg4
            } else if bytes.starts(with: [0x1A, 0x45, 0xDF, 0xA3]) {
                self = .matroska
            } else if bytes.starts(with: "caff".utf8) {
                self = .caf
            } else if bytes.count >= 2, bytes.first == 0xFF, bytes[bytes.startIndex + 1] & 0xF6 == 0xF0 {
                // Begins like MPEG audio, but with layer 0.
                self = .adts
            } else {
                return nil
            }
        }
    }

    /// Why these bytes cannot be read; nil for a format that libsndfile reads.
    ///
    /// libsndfile supports two dozen further, old formats, which are hardly tested; untrusted input must not reach them.
    static func problem(_ bytes: Data) -> String? {
        let start = bytes.startIndex
        func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if has("ID3"), bytes.count >= 10 {
            // A tag precedes the sound; its length is stored in four bytes of seven bits.
            let length = bytes[start + 6..<start + 10].reduce(0) { $0 << 7 | Int($1 & 0x7F) }
            let rest = bytes.dropFirst(10 + length)
            return rest.starts(with: "ID3".utf8) ? "it has two ID3 tags" : problem(rest)
        }
        if has("RIFF") || has("RF64") { return has("WAVE", at: 8) ? nil : "a RIFF file of another kind than WAVE" }
        if has("FORM") { return has("AIF", at: 8) ? nil : "an IFF file of another kind than AIFF" }
        if has("fLaC") || has("OggS") { return nil }
        if bytes.count >= 2, bytes[start] == 0xFF, bytes[start + 1] & 0xE0 == 0xE0 { return nil }
        let isText = bytes.prefix(64).allSatisfy { $0 < 0x80 && ($0 >= 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09) }
        return isText ? "it looks like text" : "its first bytes match none of these formats"
    }

    /// Whether the end of an Ogg or MP3 file is missing, as far as this can be detected.
    static func endsEarly(_ bytes: Data) -> Bool {
        bytes.starts(with: "OggS".utf8) ? lacksLastPage(bytes) : lacksFrames(bytes)
    }

    /// Whether the last Ogg page is truncated, or is not marked as the last.
    private static func lacksLastPage(_ bytes: Data) -> Bool {
        guard let page = bytes.range(of: Data("OggS".utf8), options: .backwards)?.lowerBound, page + 27 <= bytes.endIndex else { return true }
        let segments = Int(bytes[page + 26]), table = page + 27..<page + 27 + segments
        guard table.upperBound <= bytes.endIndex else { return true }
        let end = bytes[table].reduce(table.upperBound) { $0 + Int($1) }
        return end > bytes.endIndex || bytes[page + 5] & 4 == 0
    }

    /// Whether an MP3 file has fewer bytes than the Xing or LAME header in its first frame says.
    private static func lacksFrames(_ bytes: Data) -> Bool {
        var start = bytes.startIndex
        if bytes.starts(with: "ID3".utf8), bytes.count >= 10 { start += 10 + bytes[start + 6..<start + 10].reduce(0) { $0 << 7 | Int($1 & 0x7F) } }
        // Layer III.
        guard start + 4 <= bytes.endIndex, bytes[start] == 0xFF, bytes[start + 1] & 0xE6 == 0xE2 else { return false }
        let isFirstVersion = bytes[start + 1] & 0x18 == 0x18, isMono = bytes[start + 3] >> 6 == 3
        let tag = start + 4 + (isFirstVersion ? (isMono ? 17 : 32) : (isMono ? 9 : 17))
        guard tag + 16 <= bytes.endIndex, ["Xing", "Info"].contains(String(decoding: bytes[tag..<tag + 4], as: UTF8.self)) else { return false }
        let flags = bytes[tag + 7]
        guard flags & 2 != 0 else { return false }
        let place = tag + (flags & 1 != 0 ? 12 : 8)
        return bytes.endIndex - start < bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}
