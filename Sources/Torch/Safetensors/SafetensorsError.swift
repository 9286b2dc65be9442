import FileSupport
import Foundation

/// An error in a safetensors file.
public enum SafetensorsError: Error, CustomStringConvertible {
    case unreadable(URL, reason: String)
    /// Too short for the length of its header.
    case tooShort(URL, bytes: Int)
    case headerLength(URL, length: UInt64, bytes: Int)
    case header(URL, problem: String)
    case tensor(URL, name: String, problem: String)
    /// The data is shorter or longer than the header says.
    case length(URL, expected: Int, found: Int)
    case unwritable(URL, reason: String)
    /// The file exists and may not be replaced.
    case exists(URL)

    public var description: String {
        switch self {
        case .unreadable(let url, let reason):
            "\(url.path): cannot be read (\(reason)); check the path"
        case .tooShort(let url, let bytes):
            "\(url.path): not a safetensors file, it has \(bytes) bytes; probably a download that failed, download it again"
        case .headerLength(let url, let length, let bytes):
            "\(url.path): its header claims \(length) bytes of a file of \(bytes); not a safetensors file, or a half-finished download"
        case .header(let url, let problem):
            "\(url.path): its header is damaged (\(problem.shown())); download the file again"
        case .tensor(let url, let name, let problem):
            "\(url.path): tensor \"\(name.shown())\" \(problem.shown(limit: 400)); the file is damaged, download it again"
        case .length(let url, let expected, let found) where found < expected:
            "\(url.path): \(found) bytes of \(expected), probably a half-finished download; download it again"
        case .length(let url, let expected, let found):
            "\(url.path): \(found) bytes where its header accounts for \(expected); the file is damaged, download it again"
        case .unwritable(let url, let reason):
            "\(url.path): cannot be written (\(reason)); choose another place"
        case .exists(let url):
            "\(url.path): exists already; choose another name"
        }
    }
}
