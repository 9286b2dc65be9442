import Foundation

/// How many bytes of sound a WAV or AIFF header declares, and how many follow it.
///
/// libsndfile reads what is there and says nothing, so a half-finished download would pass for a short recording.
struct ContainerLength {
    let declared: Int
    let found: Int

    /// Nil for other formats, and for lengths that a streaming writer left open (0, or all bits set).
    init?(_ bytes: Data) {
        let isWAV = bytes.starts(with: Data("RIFF".utf8)), isAIFF = bytes.starts(with: Data("FORM".utf8))
        guard isWAV || isAIFF, bytes.count >= 12 else { return nil }
        let soundChunk = Data((isWAV ? "data" : "SSND").utf8)
        var position = 12
        while position + 8 <= bytes.count {
            let length = bytes[position + 4..<position + 8]
            let declared = (isWAV ? Array(length.reversed()) : Array(length)).reduce(0) { $0 << 8 | Int($1) }
            if bytes[position..<position + 4] == soundChunk {
                guard declared > 0, declared < 0xFFFF_FF00 else { return nil }
                self.declared = declared
                found = min(declared, bytes.count - position - 8)
                return
            }
            position += 8 + declared + declared % 2
        }
        return nil
    }
}
