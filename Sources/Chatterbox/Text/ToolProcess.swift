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
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw LanguageToolError.cannotStart(command: name, reason: String(cString: strerror(errno)))
        }
        socket = ends[0]
        // The program must not hold our end open.
        _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
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

    /// Sends everything.
    func send(_ data: Data) throws {
        var left = data[...]
        while !left.isEmpty {
            let sent = left.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { throw LanguageToolError.ended(command: name) }
            left = left.dropFirst(sent)
        }
    }

    /// Tells the program that there is no more.
    func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// The next line.
    func line(patience seconds: Int) throws -> Data {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { received = Data(received[(end + 1)...]) }
                return Data(received[..<end])
            }
            guard try receive(by: deadline, seconds) else { throw LanguageToolError.ended(command: name) }
        }
    }

    /// Everything until the program closes its output.
    func rest(patience seconds: Int) throws -> Data {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try receive(by: deadline, seconds) {}
        defer { received = Data() }
        return received
    }

    /// Waits for more; false at the end.
    private func receive(by deadline: ContinuousClock.Instant, _ seconds: Int) throws -> Bool {
        let left = (deadline - ContinuousClock.now) / .milliseconds(1)
        var descriptor = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard left > 0, poll(&descriptor, 1, Int32(left)) > 0 else {
            throw LanguageToolError.silent(command: name, seconds: seconds)
        }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else { return false }
        received += buffer[..<count]
        return true
    }
}
