/// A text ready for a model: what T3 reads, and the silences between.
struct PreparedText {
    enum Part {
        case utterance(Utterance)
        /// Seconds.
        case silence(Double)

        var text: String {
            switch self {
            case .utterance(let utterance): utterance.text
            case .silence: ""
            }
        }
    }

    /// Text for one breath.
    struct Utterance {
        let text: String
        /// With start and stop.
        let tokens: [Int]
        /// Its place among the utterances, from 1.
        let number: Int
        /// Seconds of silence that follow it.
        var pause = 0.0
    }

    let parts: [Part]
    let utteranceCount: Int
    let warnings: [SpeechWarning]

    /// Splits where asked to, normalises, and encodes.
    ///
    /// - Throws: ``TextError``, ``CheckpointError/unsupportedLanguage(_:model:languages:)``.
    init(_ text: String, _ model: Model, _ options: SpeechOptions) throws {
        guard !text.allSatisfy(\.isWhitespace) else { throw TextError.empty }
        let script: [SpeechScript.Part] = switch options.splitting {
        case .none: [.speech(text, .sentence)]
        case .sentences: try SpeechScript(text).parts
        }
        let language = try model.variant.language(options.language)
        let limit = model.configuration.t3.maximumText
        var parts: [Part] = []
        var warnings: [SpeechWarning] = []
        var count = 0
        for (index, part) in script.enumerated() {
            switch part {
            case .silence(let seconds): parts.append(.silence(seconds))
            case .speech(let piece, let boundary):
                let encoded = model.tokenizer.encode(model.variant.normalizer(piece), language: language)
                guard encoded.hasWords else { continue }
                guard encoded.tokens.count <= limit else {
                    throw TextError.tooLong(characters: piece.count, tokens: encoded.tokens.count, limit: limit)
                }
                warnings += encoded.warnings
                count += 1
                var utterance = Utterance(text: piece, tokens: model.configuration.t3.framed(encoded.tokens), number: count)
                // A silence that was asked for replaces the pause, and after the last word there is none.
                if index + 1 < script.count, case .speech = script[index + 1] { utterance.pause = SpeechJoiner.pause(after: boundary) }
                parts.append(.utterance(utterance))
            }
        }
        guard count > 0 else { throw TextError.nothingToSpeak(text) }
        self.parts = parts
        self.warnings = warnings
        utteranceCount = count
    }
}
