import Foundation
import SpeechAudio

/// Messages and progress.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) != 0 }

    static func print(_ line: String) { write(line + "\n") }

    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// The number of columns of the terminal; 80 if it is not known.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// A source of text.
enum StandardInput {
    /// Everything up to its end.
    ///
    /// - Throws: `CancellationError` when the task is cancelled, since the user may press Ctrl-C while typing.
    static func read() throws -> Data {
        var data = Data()
        var block = [UInt8](repeating: 0, count: 65_536)
        while true {
            try Task.checkCancellation()
            var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard poll(&waiting, 1, 100) > 0 else { continue }
            let count = Foundation.read(STDIN_FILENO, &block, block.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return data }
            data += block[..<count]
        }
    }
}

/// Results.
enum StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) != 0 }

    /// - Throws: `AudioError` if standard output cannot be written.
    static func write(_ data: Data) throws {
        var rest = data[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress!, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == ENOSPC { throw AudioError.diskFull(name: "standard output", bytes: data.count) }
                throw AudioError.unwritable(name: "standard output", reason: String(cString: strerror(errno)))
            }
            rest = rest.dropFirst(count)
        }
    }

    static func print(_ line: String) throws { try write(Data((line + "\n").utf8)) }

    /// One JSON object, on several lines.
    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(encoder.encode(value) + Data("\n".utf8))
    }
}
