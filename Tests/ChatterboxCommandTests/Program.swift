import Foundation
import Synchronization
import TestSupport

/// The built program, run as a process in its own folder.
struct Program {
    /// The result of a run.
    struct Run {
        let status: Int32
        let output: Data
        let errors: String
        /// Lines on standard error.
        var lines: [Substring] { errors.split(separator: "\n") }
    }

    /// Beside the test bundle, where SwiftPM puts products.
    private static let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "chatterbox")

    /// The working folder, and the home folder of the program's user.
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Runs it to its end.
    ///
    /// - Parameters:
    ///   - input: given on standard input.
    ///   - environment: variables in addition to those of every run, or replacing them.
    ///   - place: a file to which standard output is written; it is then not returned.
    ///   - interruptedAt: a word on standard error, after which SIGINT is sent, once.
    ///   - killedAt: a word on standard error, after which it is killed.
    func callAsFunction(
        _ arguments: [String], input: String = "", environment: [String: String] = [:], output place: String? = nil,
        interruptedAt word: String? = nil, killedAt lastWord: String? = nil
    ) async throws -> Run {
        let process = process(arguments, environment)
        let (source, output, errors) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardError) = (source, errors)
        process.standardOutput = place.map { FileHandle(forWritingAtPath: $0)! } ?? output
        return try await onThread {
            try process.run()
            try source.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try source.fileHandleForWriting.close()
            if place != nil { try output.fileHandleForWriting.close() }
            let sound = Promise { try output.fileHandleForReading.readToEnd() ?? Data() }
            var said = Data(), waitsForWord = word != nil
            while case let part = errors.fileHandleForReading.availableData, !part.isEmpty {
                said += part
                if let word, waitsForWord, String(decoding: said, as: UTF8.self).contains(word) {
                    waitsForWord = false
                    process.interrupt()
                }
                if let lastWord, String(decoding: said, as: UTF8.self).contains(lastWord) { kill(process.processIdentifier, SIGKILL) }
            }
            let written = try sound.wait()
            process.waitUntilExit()
            return Run(status: process.terminationStatus, output: written, errors: String(decoding: said, as: UTF8.self))
        }
    }

    func callAsFunction(_ arguments: String..., input: String = "", environment: [String: String] = [:]) async throws -> Run {
        try await self(arguments, input: input, environment: environment)
    }

    /// Runs it with a terminal for output and errors; returns what appears there.
    func onTerminal(_ arguments: String...) async throws -> (status: Int32, screen: String) {
        let process = process(arguments)
        let (master, terminal) = try Self.pseudoterminal()
        (process.standardInput, process.standardOutput, process.standardError) = (FileHandle.nullDevice, terminal, terminal)
        return try await onThread {
            try process.run()
            try terminal.close()
            var screen = Data()
            var buffer = [UInt8](repeating: 0, count: 4096)
            // When the last writer closes the terminal, reading fails.
            while case let count = read(master, &buffer, buffer.count), count > 0 { screen += buffer[..<count] }
            close(master)
            process.waitUntilExit()
            return (process.terminationStatus, String(decoding: screen, as: UTF8.self))
        }
    }

    /// The two ends of a new terminal. Swift's Glibc module lacks `posix_openpt` and the requests' numbers.
    private static func pseudoterminal() throws -> (master: Int32, terminal: FileHandle) {
        let (unlock, getNumber) = (UInt(0x4004_5431), UInt(0x8004_5430))
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var number: Int32 = 0
        guard master >= 0, ioctl(master, unlock, &number) == 0, ioctl(master, getNumber, &number) == 0 else {
            throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
        }
        let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        guard terminal >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return (master, FileHandle(fileDescriptor: terminal, closeOnDealloc: true))
    }

    /// The paths of all files below the working folder, including hidden ones.
    func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.url.path).filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path($0), isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
    }

    func path(_ name: String) -> String { folder.url.appending(path: name).path }

    private func process(_ arguments: [String], _ environment: [String: String] = [:]) -> Process {
        let process = Process()
        process.executableURL = Self.executable
        process.arguments = arguments
        process.currentDirectoryURL = folder.url
        // One thread each, because tests run at the same time.
        process.environment = ["HOME": folder.url.path, "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1", "COLUMNS": "80"]
            .merging(environment) { $1 }
        return process
    }
}

/// Waiting for a process blocks, so it must not occupy one of the few threads that Swift shares among all tests.
private func onThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Swift.Result { try work() }) }.start()
    }
}

/// The result of work on a separate thread, for which another thread waits.
private final class Promise<Value: Sendable>: Sendable {
    private let done = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Value, any Error>?>(nil)

    init(_ work: @escaping @Sendable () throws -> Value) {
        Thread { [self] in
            let value = Result { try work() }
            result.withLock { $0 = value }
            done.signal()
        }.start()
    }

    func wait() throws -> Value {
        done.wait()
        return try result.withLock { try $0!.get() }
    }
}
