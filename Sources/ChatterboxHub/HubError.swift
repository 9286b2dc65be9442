import Foundation

/// Why files could not be downloaded from a hub or read from its cache.
public enum HubError: Error, Hashable, CustomStringConvertible {
    case badRepository(String)
    /// Offline, or the hub unreachable, and files are missing.
    case notCached(repository: String, files: [String], folder: String, reason: String)
    case noRepository(String, endpoint: String)
    case noRevision(repository: String, revision: String)
    case noFile(repository: String, revision: String, file: String)
    /// 401 or 403.
    case refused(repository: String, hasToken: Bool, reason: String?)
    case unreachable(url: String, reason: String)
    case status(url: String, code: Int, attempts: Int)
    /// An answer without the headers by which a hub describes a file.
    case notAHub(url: String, missing: String)
    case tooManyRedirects(url: String)
    /// A proxy that the environment names and that cannot be used; its address is without a password.
    case proxy(String, problem: String)
    /// Transfers that are repeatedly interrupted, stalled or of the wrong length.
    case interrupted(file: String, received: Int, size: Int, attempts: Int, reason: String)
    case corrupt(file: String, expected: String, found: String, attempts: Int)
    case diskFull(folder: String, needed: Int, available: Int)
    case unwritable(path: String, reason: String)
    case unreadable(path: String, reason: String)
    /// A model's folder on the shelf contains files that exist nowhere else and differ from the hub's.
    case occupied(folder: String, files: [String])

    public var description: String {
        switch self {
        case .badRepository(let id):
            "\"\(id)\" is not a repository's name; expected one such as ResembleAI/chatterbox"
        case .notCached(let repository, let files, let folder, let reason):
            "\(repository): \(list(files)) not in \(folder), and \(reason)"
        case .noRepository(let id, let endpoint):
            "\(endpoint) has no repository \(id), or hides it"
        case .noRevision(let repository, let revision):
            "\(repository) has no revision \(revision)"
        case .noFile(let repository, let revision, let file):
            "\(repository) has no file \(file) at revision \(revision)"
        case .refused(let repository, let hasToken, let reason):
            "\(repository): the hub refuses access\(reason.map { " (\($0))" } ?? "") \(hasToken ? "with this token" : "without a token")"
        case .unreachable(let url, let reason):
            "\(url): no connection (\(reason))"
        case .status(let url, let code, let attempts):
            "\(url): the hub answered \(code) \(attempts) times"
        case .notAHub(let url, let missing):
            "\(url): the answer has no \(missing), so this is not a Hugging Face hub\(missing == "X-Repo-Commit" ? ", or a mirror that leaves it out and serves commits alone" : "")"
        case .proxy(let address, let problem):
            "the proxy \(address) cannot be used: \(problem)"
        case .tooManyRedirects(let url):
            "\(url): the redirects form a loop"
        case .interrupted(let file, let received, let size, let attempts, let reason):
            "\(file): \(received.asBytes) of \(size.asBytes) arrived, \(attempts) further attempts failed (\(reason)); the next download continues from there"
        case .corrupt(let file, let expected, let found, let attempts):
            "\(file): damaged in transfer \(attempts) times: its checksum is \(found.prefix(12))…, expected \(expected.prefix(12))…; nothing was kept"
        case .diskFull(let folder, let needed, let available):
            "\(folder): \(needed.asBytes) are needed, \(available.asBytes) are free"
        case .unreadable(let path, let reason):
            "\(path): cannot be read (\(reason))"
        case .occupied(let folder, let files):
            "\(folder): \(list(files)) neither a link nor a copy of what the hub's cache has, and would be lost"
        case .unwritable(let path, let reason):
            "\(path): cannot be written (\(reason))"
        }
    }

    private func list(_ files: [String]) -> String {
        files.count == 1 ? "\(files[0]) is" : "\(files.prefix(3).joined(separator: ", "))\(files.count > 3 ? " and \(files.count - 3) more" : "") are"
    }
}

extension Int {
    /// A number of bytes in readable form: 3.2 GB.
    package var asBytes: String {
        let units = ["kB", "MB", "GB", "TB"]
        guard abs(self) >= 1000 else { return "\(self) bytes" }
        var value = Double(self) / 1000, unit = 0
        while abs(value) >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return String(format: value < 9.95 ? "%.1f" : "%.0f", value) + " " + units[unit]
    }
}

extension HubError {
    /// The case's code for programs, such as `hub.refused`; it stays the same within a major version.
    public var code: String {
        switch self {
        case .badRepository: "hub.badRepository"
        case .notCached: "hub.notCached"
        case .noRepository: "hub.noRepository"
        case .noRevision: "hub.noRevision"
        case .noFile: "hub.noFile"
        case .refused: "hub.refused"
        case .unreachable: "hub.unreachable"
        case .status: "hub.status"
        case .notAHub: "hub.notAHub"
        case .tooManyRedirects: "hub.tooManyRedirects"
        case .proxy: "hub.proxy"
        case .interrupted: "hub.interrupted"
        case .corrupt: "hub.corrupt"
        case .diskFull: "hub.diskFull"
        case .unwritable: "hub.unwritable"
        case .unreadable: "hub.unreadable"
        case .occupied: "hub.occupied"
        }
    }
}
