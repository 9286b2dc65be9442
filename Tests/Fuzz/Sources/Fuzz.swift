import Foundation

/// What is read from bytes that anybody may hand over. Crashes, hangs (`-timeout`) and growth (`-rss_limit_mb`) are libFuzzer's to see;
/// a target checks besides what must hold of whatever was read.
///
///     Fuzz --target=NAME [libFuzzer's arguments]
enum FuzzTarget: String, CaseIterable {
    case text, sound, safetensors, archive, tokenizer, configuration, order, form

    /// Reads bytes; what is thrown is an answer like any other.
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
