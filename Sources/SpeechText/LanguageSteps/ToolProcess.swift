import Foundation

/// A program with one socket for its input and output: if the program ends, writing to a socket causes an error, and not a signal as with a pipe.
final class ToolProcess {
    private let name: String
    private let process = Process()
    private let socket: Int32
    private var received = Data()

    /// - Throws: ``LanguageToolError/cannotStart(command:reason:)``.
    init(_ command: [String]) throws {
        name = command[0]
        var ends: [Int32] = [0, 0]
        // Both ends are closed on exec in every program that is started: a program that kept one open would prevent the other end from detecting that
        // this process has ended. Standard input and output are copies, which stay open.
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

    /// Sends everything, and at the same time stores what the program answers: a program that answers before it has read everything would otherwise
    /// wait for this process while this process waits for it.
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

    /// Signals the end of the input.
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

    /// The time limit for one exchange with a program, from sending to the last byte of its answer.
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
    /// - Returns: the events that occurred, including POLLHUP and POLLERR.
    /// - Throws: ``LanguageToolError/silent(command:seconds:)``.
    private func wait(for events: Int16, _ patience: Patience) throws -> Int16 {
        while true {
            let left = (patience.deadline - .now) / .milliseconds(1)
            guard left > 0 else { throw LanguageToolError.silent(command: name, seconds: patience.seconds) }
            var descriptor = pollfd(fd: socket, events: events, revents: 0)
            if poll(&descriptor, 1, Int32(left.rounded(.up))) > 0 { return descriptor.revents }
        }
    }

    /// Reads the available bytes; false at the end.
    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        if count < 0, [EAGAIN, EINTR].contains(errno) { return true }
        guard count > 0 else { return false }
        received += buffer[..<count]
        return true
    }
}
