import Foundation
import SpeechAudio

/// Where messages and progress go.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) != 0 }

    static func print(_ line: String) { write(line + "\n") }

    static func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    /// Columns of the terminal; 80 where that is not known.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}

/// Where a text may come from.
enum StandardInput {
    /// Everything up to its end.
    ///
    /// - Throws: `CancellationError` when the task is cancelled: someone may have changed their mind at the keyboard.
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

/// Where results go.
enum StandardOutput {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) != 0 }

    /// - Throws: `AudioError` where what is behind standard output takes no more.
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

    /// One JSON object on lines of its own.
    static func print(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try write(encoder.encode(value) + Data("\n".utf8))
    }
}
