import Foundation

/// What a file's first bytes tell of its format.
enum SoundContainer {
    /// A container that libsndfile does not read and ffmpeg does.
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
                // As MPEG audio begins, but of layer 0.
                self = .adts
            } else {
                return nil
            }
        }
    }

    /// Why these bytes are not read; nil for a format that is, by libsndfile.
    ///
    /// libsndfile knows two dozen formats more, old ones that nobody tries: what a stranger sends does not reach them.
    static func problem(_ bytes: Data) -> String? {
        let start = bytes.startIndex
        func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
        if has("ID3"), bytes.count >= 10 {
            // A tag, of a length in four times seven bits, stands before the sound.
            let length = bytes[start + 6..<start + 10].reduce(0) { $0 << 7 | Int($1 & 0x7F) }
            let rest = bytes.dropFirst(10 + length)
            return rest.starts(with: "ID3".utf8) ? "it has two ID3 tags" : problem(rest)
        }
        if has("RIFF") || has("RF64") { return has("WAVE", at: 8) ? nil : "a RIFF file of another kind than WAVE" }
        if has("FORM") { return has("AIF", at: 8) ? nil : "an IFF file of another kind than AIFF" }
        if has("fLaC") || has("OggS") { return nil }
        if bytes.count >= 2, bytes[start] == 0xFF, bytes[start + 1] & 0xE0 == 0xE0 { return nil }
        let isText = bytes.prefix(64).allSatisfy { $0 < 0x80 && ($0 >= 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09) }
        return isText ? "it looks like text" : "its first bytes are none of these formats'"
    }
}
