import FileSupport
import Foundation

/// A file of JSON lines to which one or several processes append. If a process is killed, only the value of an incomplete line is lost.
final class JSONLines: Sendable {
    private let folder: URL
    /// The file's name in messages.
    private let name: String
    private let file: FileHandle

    /// Opens a file in a folder, and creates it if it does not exist.
    ///
    /// - Parameters:
    ///   - name: the file's name in messages, such as "results".
    ///   - refusal: the message if another process has the file open; nil if several may append to it.
    /// - Throws: ``BatchFolderError``.
    init(_ file: String, in folder: URL, called name: String, alone refusal: String? = nil) throws {
        (self.folder, self.name) = (folder, name)
        let url = folder.appending(path: file)
        let descriptor = open(url.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw BatchFolderError(url, "cannot be written (\(String(cString: strerror(errno))))") }
        self.file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        if let refusal, flock(descriptor, LOCK_EX | LOCK_NB) != 0, ![ENOSYS, ENOLCK, EOPNOTSUPP].contains(errno) {
            throw BatchFolderError(folder, refusal)
        }
        // A process that was killed may have left an incomplete line.
        let size = lseek(descriptor, 0, SEEK_END)
        var last: UInt8 = 0
        if size > 0, pread(descriptor, &last, 1, size - 1) == 1, last != UInt8(ascii: "\n") { try append(Data("\n".utf8)) }
    }

    /// Creates a folder for such files.
    ///
    /// - Throws: ``BatchFolderError``.
    static func makeFolder(_ url: URL) throws {
        do { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) } catch {
            throw BatchFolderError(url, "cannot be made (\(error.reason))")
        }
    }

    /// - Throws: ``BatchFolderError``.
    func append(_ value: some Encodable) throws {
        do { try append(Self.line(value)) } catch let error as EncodingError {
            throw BatchFolderError(folder, "its \(name) cannot be written (\(error))")
        }
    }

    /// Writes with one call, so that the lines of several processes are not mixed.
    private func append(_ line: Data) throws {
        do { try file.write(contentsOf: line) } catch { throw BatchFolderError(folder, "its \(name) cannot be written (\(error.reason))") }
    }

    /// Calls a function for each value of a file, in order; incomplete lines are skipped.
    ///
    /// - Throws: ``BatchFolderError`` if the file cannot be read.
    static func forEach<Value: Decodable>(_ type: Value.Type, in url: URL, _ body: (Value) -> Void) throws {
        let data: Data
        do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch { throw BatchFolderError(url, "cannot be read (\(error.reason))") }
        let decoder = JSONDecoder()
        var start = 0
        while start < data.count {
            let end = data[start...].firstIndex(of: 0x0A) ?? data.count
            defer { start = end + 1 }
            if let value = try? decoder.decode(type, from: Data(data[start..<end])) { body(value) }
        }
    }

    /// A value as a line, with sorted keys.
    static func line(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }
}
