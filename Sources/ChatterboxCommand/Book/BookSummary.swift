import Foundation

/// The summary of a long text: that of ``SpeechSummary``, with chapters, files and stored utterances.
struct BookSummary: Encodable {
    let speech: SpeechSummary
    let result: BookRun.Result
    /// The folder with the stored utterances; nil if it has been deleted.
    let folder: String?

    private enum CodingKeys: String, CodingKey {
        case outputs, chapters, utterances, folder
        case kept = "utterances_kept_before"
    }

    func encode(to encoder: any Encoder) throws {
        try speech.encode(to: encoder)
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(result.files.map(\.relativePath), forKey: .outputs)
        try values.encode(result.chapters, forKey: .chapters)
        try values.encode(result.utterances, forKey: .utterances)
        try values.encode(result.kept, forKey: .kept)
        try values.encode(folder, forKey: .folder)
    }

    /// The figures in a sentence for a person.
    var sentence: String {
        guard result.files.count > 1 else { return speech.sentence }
        let places = "\(result.files.first!.relativePath) to \(result.files.last!.lastPathComponent)"
        return
            "\(places): \(result.files.count) files, \(String(format: "%.1f min of speech in %.1f min", speech.audioSeconds / 60, speech.wallSeconds / 60)), seed \(speech.seed)"
    }
}
