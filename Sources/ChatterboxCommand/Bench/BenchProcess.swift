import Foundation
import Synchronization

/// A process that measures, and its output.
enum BenchProcess {
    /// Runs a program that prints a ``BenchRun`` as its last line, and "first sound" on standard error when there is one.
    ///
    /// - Throws: ``BenchError/failed(_:reason:)`` with the program's error messages.
    static func run(_ label: String, _ program: URL, _ arguments: [String]) async throws -> BenchRun {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        let (output, complaints) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = complaints
        let start = ContinuousClock.now
        do { try process.run() } catch { throw BenchError.failed(label, reason: "\(program.path): \(error.localizedDescription)") }
        let identifier = process.processIdentifier
        return try await withTaskCancellationHandler {
            async let said = lines(of: complaints, from: start)
            async let printed = lines(of: output, from: start)
            let (errors, results) = await (said, printed)
            process.waitUntilExit()
            try Task.checkCancellation()
            guard process.terminationStatus == 0, let last = results.last(where: { $0.text.hasPrefix("{") }) else {
                let reason = errors.last { !$0.text.isEmpty }?.text ?? "it ended with status \(process.terminationStatus)"
                throw BenchError.failed(label, reason: reason)
            }
            var run = try JSONDecoder().decode(BenchRun.self, from: Data(last.text.utf8))
            run.startSeconds = errors.first { $0.text == "first sound" }?.seconds
            return run
        } onCancel: {
            kill(identifier, SIGTERM)
        }
    }

    private struct Line: Sendable {
        let text: String
        let seconds: Double
    }

    /// Every line with the time at which it arrived.
    private static func lines(of pipe: Pipe, from start: ContinuousClock.Instant) async -> [Line] {
        await withCheckedContinuation { continuation in
            // Reading a pipe blocks, so it has a separate thread.
            Thread {
                var lines: [Line] = []
                var rest = Data()
                while case let data = pipe.fileHandleForReading.availableData, !data.isEmpty {
                    rest += data
                    while let end = rest.firstIndex(of: 0x0A) {
                        let seconds = (ContinuousClock.now - start) / .seconds(1)
                        lines.append(Line(text: String(decoding: rest[rest.startIndex..<end], as: UTF8.self), seconds: seconds))
                        rest = Data(rest[rest.index(after: end)...])
                    }
                }
                if !rest.isEmpty {
                    lines.append(Line(text: String(decoding: rest, as: UTF8.self), seconds: (ContinuousClock.now - start) / .seconds(1)))
                }
                continuation.resume(returning: lines)
            }.start()
        }
    }

    /// Removes a folder's files from the page cache, so that the next start is a cold one.
    static func evict(_ folder: URL) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [] {
            let file = open(folder.appending(path: name).resolvingSymlinksInPath().path, O_RDONLY)
            guard file >= 0 else { continue }
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
    }
}

/// A measurement that could not be made.
enum BenchError: Error, CustomStringConvertible {
    case failed(String, reason: String)
    case noPython(URL)
    case server(String, reason: String)

    var description: String {
        switch self {
        case .failed(let label, let reason): "measuring \(label) failed: \(reason)"
        case .noPython(let venv):
            "--against-python \(venv.path): no bin/python in it; give a virtual environment with chatterbox-tts installed (Reference/upstream/setup makes one)"
        case .server(let address, let reason): "--against-url \(address): \(reason)"
        }
    }
}
