import FileSupport
import Foundation

/// A file of JSON lines that is appended to, by one process or several. What breaks off in a line, where a process is killed, is that
/// line's value alone.
final class JSONLines: Sendable {
    private let folder: URL
    /// What a message calls the file.
    private let name: String
    private let file: FileHandle

    /// Opens a file of a folder; it is made where it is not there.
    ///
    /// - Parameters:
    ///   - name: what a message calls the file, as "results".
    ///   - refusal: what is said where another process has the file; nil where several may append to it.
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
        // A process that was killed may have left half a line.
        let size = lseek(descriptor, 0, SEEK_END)
        var last: UInt8 = 0
        if size > 0, pread(descriptor, &last, 1, size - 1) == 1, last != UInt8(ascii: "\n") { try append(Data("\n".utf8)) }
    }

    /// Makes a folder for such files.
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

    /// One call, so that lines of processes that append to the same file stay whole.
    private func append(_ line: Data) throws {
        do { try file.write(contentsOf: line) } catch { throw BatchFolderError(folder, "its \(name) cannot be written (\(error.reason))") }
    }

    /// Goes through the values of a file, in order; lines that broke off are passed over.
    ///
    /// - Throws: ``BatchFolderError`` where the file cannot be read.
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

    /// A value as a line, with its names in order.
    static func line(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value) + Data("\n".utf8)
    }
}
