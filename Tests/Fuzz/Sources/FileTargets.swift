import Foundation
import SpeechAudio
import Torch

@testable import Chatterbox
@testable import SpeechText

/// The folder for bytes that are read as a file: in memory if the system has such a folder, since writing to a disk takes longer than the rest of an
/// input.
private let folder: URL = {
    let memory = URL(filePath: "/dev/shm")
    let place = FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
    let url = place.appending(path: "fuzz-\(ProcessInfo.processInfo.processIdentifier)")
    try! FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
}()

private func file(_ name: String, _ data: Data) throws -> URL {
    let url = folder.appending(path: name)
    try data.write(to: url)
    return url
}

func readSound(_ data: Data) throws {
    let audio = try AudioFile.read(data, named: "fuzz", most: 1 << 18)
    precondition(audio.channels > 0 && audio.frames <= 1 << 18, "more sound than is allowed")
    _ = RecordingQuality(of: audio)
    _ = try audio.checkedAsReference(named: "fuzz").asReference(named: "fuzz")
}

func readSafetensors(_ data: Data) throws { try sum(SafetensorsFile(file("fuzz.safetensors", data)).tensors()) }

func readArchive(_ data: Data) throws { try sum(PickledArchive(file("fuzz.pt", data)).tensors) }

/// Reads every element.
private func sum(_ tensors: [String: Tensor]) throws {
    for tensor in tensors.values where tensor.dtype != .complex64 { _ = try tensor.to(.float32).sum().item(Float.self) }
}

/// A list is a table of Cangjie keys, lines are merges, and an object is a vocabulary or a complete tokenizer.
func readTokenizer(_ data: Data) throws {
    let text = "One two, three. Ça va? 漢字 [laugh] \u{301}"
    switch data.first {
    case UInt8(ascii: "["): _ = try CangjieTable(file(CangjieTable.fileName, data)).encoded(text)
    case UInt8(ascii: "{"):
        let url = try file(EnglishTokenizer.fileNames[0], data)
        if let tokenizer = try? EnglishTokenizer(url) {
            precondition(tokenizer.encode(text).allSatisfy { $0 < tokenizer.count }, "a token beyond the vocabulary")
            _ = tokenizer.unknownCharacters(in: text)
        }
        _ = try file(MultilingualTokenizer.fileNames[0], data)
        _ = try? MultilingualTokenizer(folder: folder, tools: .none).encode(text, language: .french)
        try readGPT2(vocabulary: data, merges: Data("#version: 0.2\nO n\nOn e\n".utf8), text)
    default:
        try readGPT2(
            vocabulary: Data(#"{"O":0,"n":1,"e":2,"On":3,"One":4,"Ġ":5,"t":6,"w":7,"o":8,"tw":9,"two":10,"Ġt":11}"#.utf8), merges: data, text)
    }
}

private func readGPT2(vocabulary: Data, merges: Data, _ text: String) throws {
    _ = try file("vocab.json", vocabulary)
    _ = try file("merges.txt", merges)
    let tokenizer = try GPT2Tokenizer(folder: folder, tools: .none)
    precondition(tokenizer.encode(text, language: .english).tokens.allSatisfy { $0 < tokenizer.count }, "a token beyond the vocabulary")
}

func readConfiguration(_ data: Data) throws {
    let configuration = try ModelConfiguration(file("config.json", data))
    let again = folder.appending(path: "again.json")
    try configuration.write(to: again)
    let read = try ModelConfiguration(again)
    precondition(read == configuration, "a configuration is read otherwise than it was written")
}
