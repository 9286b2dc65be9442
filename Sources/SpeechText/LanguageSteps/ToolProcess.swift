import Foundation

/// A started program that is written to and read from, through one socket: unlike a pipe's, its loss is an error and not
/// a signal.
final class ToolProcess {
    private let name: String
    private let process = Process()
    private let socket: Int32
    private var received = Data()

    /// - Throws: ``LanguageToolError/cannotStart(command:reason:)``.
    init(_ command: [String]) throws {
        name = command[0]
        var ends: [Int32] = [0, 0]
        // Closed in every program that is started, from the moment that they exist: one that held an end open would keep
        // the other from being told that this one is gone. Standard input and output are copies, which stay open.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw LanguageToolError.cannotStart(command: name, reason: String(cString: strerror(errno)))
        }
        socket = ends[0]
        let theirs = FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = theirs
        process.standardOutput = theirs
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch {
            close(socket)
            throw LanguageToolError.cannotStart(command: name, reason: error.localizedDescription)
        }
        try? theirs.close()
    }

    deinit {
        close(socket)
        if process.isRunning { process.terminate() }
    }

    /// Sends everything, and keeps what the program answers meanwhile: one that answers before it has read everything
    /// would otherwise wait for us as we wait for it.
    func send(_ data: Data, patience: Patience) throws {
        var left = data[...]
        while !left.isEmpty {
            let events = try wait(for: Int16(POLLIN | POLLOUT), patience)
            if events & Int16(POLLIN) != 0, !receive() { throw LanguageToolError.ended(command: name) }
            guard events & Int16(POLLIN | POLLOUT) != 0 else { throw LanguageToolError.ended(command: name) }
            guard events & Int16(POLLOUT) != 0 else { continue }
            let sent = left.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) }
            if sent < 0, [EAGAIN, EINTR].contains(errno) { continue }
            guard sent > 0 else { throw LanguageToolError.ended(command: name) }
            left = left.dropFirst(sent)
        }
    }

    /// Tells the program that there is no more.
    func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// The next line.
    func line(patience: Patience) throws -> Data {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received = Data(received[(end + 1)...]) }
                return Data(received[..<end])
            }
            _ = try wait(for: Int16(POLLIN), patience)
            guard receive() else { throw LanguageToolError.ended(command: name) }
        }
    }

    /// Everything until the program closes its output.
    func rest(patience: Patience) throws -> Data {
        repeat { _ = try wait(for: Int16(POLLIN), patience) } while receive()
        defer { received = Data() }
        return received
    }

    /// How long one exchange with a program may take, from sending to the last byte of its answer.
    struct Patience {
        let seconds: Int
        fileprivate let deadline: ContinuousClock.Instant

        init(seconds: Int) {
            self.seconds = seconds
            deadline = .now + .seconds(seconds)
        }
    }

    /// Waits until something can be read or written.
    ///
    /// - Returns: which of the events, and POLLHUP or POLLERR.
    /// - Throws: ``LanguageToolError/silent(command:seconds:)``.
    private func wait(for events: Int16, _ patience: Patience) throws -> Int16 {
        while true {
            let left = (patience.deadline - .now) / .milliseconds(1)
            guard left > 0 else { throw LanguageToolError.silent(command: name, seconds: patience.seconds) }
            var descriptor = pollfd(fd: socket, events: events, revents: 0)
            if poll(&descriptor, 1, Int32(left.rounded(.up))) > 0 { return descriptor.revents }
        }
    }

    /// Takes what has come; false at the end.
    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0, [EAGAIN, EINTR].contains(errno) { return true }
        guard count > 0 else { return false }
        received += buffer[..<count]
        return true
    }
}
