import Foundation

/// How many bytes of sound a WAV or AIFF header declares, and how many follow it.
///
/// libsndfile reads the bytes that exist without an error, so that an incomplete download would be read as a short recording.
struct ContainerLength {
    let declared: Int
    let found: Int
    /// Whether the length was not known when the header was written: all bits are set, the length exceeds the limit for recordings, or it is 0
    /// although sound follows.
    let isOpen: Bool
    /// The position of the length in a WAV header that says 0.
    private let zero: Int?

    /// The largest plausible number of bytes of sound.
    private static let most = 4 * AudioFile.maximumSamples

    /// nil for other formats.
    init?(_ bytes: Data) {
        let isLarge = bytes.starts(with: Data("RF64".utf8)), isWAV = bytes.starts(with: Data("RIFF".utf8)) || isLarge
        guard isWAV || bytes.starts(with: Data("FORM".utf8)), bytes.count >= 12 else { return nil }
        func number(_ range: Range<Int>) -> Int { bytes[range].reversed().reduce(0) { $0 << 8 | Int($1) } }
        let soundChunk = Data((isWAV ? "data" : "SSND").utf8)
        var large: Int?
        var position = 12
        while position + 8 <= bytes.count {
            let length = position + 4..<position + 8
            var declared = isWAV ? number(length) : bytes[length].reduce(0) { $0 << 8 | Int($1) }
            let name = bytes[position..<position + 4]
            if isLarge, name == Data("ds64".utf8), position + 24 <= bytes.count, bytes[position + 23] < 0x40 {
                // 64-bit lengths: of the file, then of the sound.
                large = number(position + 16..<position + 24)
            }
            if name == soundChunk {
                if declared == 0xFFFF_FFFF, let large { declared = large }
                let following = bytes.count - position - 8
                let isZero = isWAV && !isLarge && declared == 0 && following > 0 && !Self.isChunks(bytes[(position + 8)...])
                isOpen = isZero || declared > Self.most && following < declared
                zero = isZero ? position + 4 : nil
                self.declared = isOpen ? following : declared
                found = min(self.declared, following)
                return
            }
            position += 8 + declared + declared % 2
        }
        return nil
    }

    /// The file with its actual length, if the header says 0, which libsndfile would believe; otherwise nil.
    func completed(_ bytes: Data) -> Data? {
        guard let zero, found <= UInt32.max else { return nil }
        var bytes = bytes
        let start = bytes.startIndex
        func set(_ number: Int, at place: Int) {
            bytes.replaceSubrange(start + place..<start + place + 4, with: withUnsafeBytes(of: UInt32(clamping: number).littleEndian) { Data($0) })
        }
        set(bytes.count - 8, at: 4)
        set(found, at: zero)
        return bytes
    }

    /// Whether these bytes are further chunks of a WAV file up to its end: then a preceding sound of length 0 is really empty.
    private static func isChunks(_ bytes: Data) -> Bool {
        var position = bytes.startIndex
        while position + 8 <= bytes.endIndex {
            guard bytes[position..<position + 4].allSatisfy({ (0x20..<0x7F).contains($0) }) else { return false }
            let length = bytes[position + 4..<position + 8].reversed().reduce(0) { $0 << 8 | Int($1) }
            position += 8 + length + length % 2
        }
        return position >= bytes.endIndex
    }
}
