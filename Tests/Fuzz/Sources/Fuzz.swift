import Foundation

/// Readers of untrusted bytes. libFuzzer detects crashes, hangs (`-timeout`) and growth (`-rss_limit_mb`); a target also checks properties of the
/// result.
///
///     Fuzz --target=NAME [libFuzzer's arguments]
enum FuzzTarget: String, CaseIterable {
    case text, sound, safetensors, archive, tokenizer, configuration, order, form

    /// Reads bytes; errors are allowed.
    func read(_ data: Data) throws {
        switch self {
        case .text: try readText(data)
        case .sound: try readSound(data)
        case .safetensors: try readSafetensors(data)
        case .archive: try readArchive(data)
        case .tokenizer: try readTokenizer(data)
        case .configuration: try readConfiguration(data)
        case .order: try readOrder(data)
        case .form: try readForm(data)
        }
    }

    static let chosen: FuzzTarget = {
        let prefix = "--target=", name = CommandLine.arguments.first { $0.hasPrefix(prefix) }?.dropFirst(prefix.count)
        guard let target = name.flatMap({ FuzzTarget(rawValue: String($0)) }) else {
            FileHandle.standardError.write(Data("expected \(prefix)NAME, a name being \(allCases.map(\.rawValue).joined(separator: ", "))\n".utf8))
            exit(64)
        }
        return target
    }()
}

@_cdecl("LLVMFuzzerTestOneInput")
public func takeAnyBytes(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    try? FuzzTarget.chosen.read(Data(bytes: bytes, count: count))
    return 0
}
