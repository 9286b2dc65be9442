extension ModelConfiguration {
    /// Why these sizes are impossible, as text that follows the file's name; nil if they are possible.
    ///
    /// Weights are compared with the sizes later, tensor by tensor. Here those sizes are refused that would stop the program before that: a division
    /// by zero heads, an overflow, a table that does not fit into memory.
    var problem: String? {
        for (name, size) in Self.wholeNumbers(in: self, at: "") {
            let least = Self.mayBeZero.contains(name.lastName) ? 0 : 1
            guard (least...Self.largest).contains(size) else { return "\"\(name)\" is \(size), expected \(least) to \(Self.largest)" }
        }
        for (name, token, vocabulary) in tokens where token >= vocabulary {
            return "\"\(name)\" is \(token), the vocabulary ends at \(vocabulary - 1)"
        }
        for (name, value, range) in numbers where !range.contains(value) {
            return "\"\(name)\" is \(value), expected \(range.lowerBound) to \(range.upperBound)"
        }
        for (name, width, heads) in shared where width % heads != 0 || width / heads % 2 != 0 || width / heads > 1024 {
            return "the width \(width) of \"\(name)\" must give each of its \(heads) heads an even part of at most 1024"
        }
        let (layers, heads) = (t3.backbone.sizes.layers, t3.backbone.sizes.heads)
        for head in t3.alignmentHeads ?? [] where head.layer >= layers || head.head >= heads {
            return "\"t3.alignmentHeads\" has head \(head.head) of layer \(head.layer), there are \(heads) heads in \(layers) layers"
        }
        let positions = t3.maximumText + t3.maximumSpeech + t3.promptTokens
        guard positions <= 100_000 else { return "\"t3\" has \(positions) positions for voice, text and speech, expected at most 100000" }
        let tokenizer = s3Gen.tokenizer, speaker = s3Gen.speakerEncoder, rates = s3Gen.vocoder.upsampleRates
        guard tokenizer.digits <= 12 else { return "\"s3Gen.tokenizer.digits\" is \(tokenizer.digits), expected at most 12" }
        guard tokenizer.memoryKernel % 2 == 1 else { return "\"s3Gen.tokenizer.memoryKernel\" is \(tokenizer.memoryKernel), expected an odd number" }
        guard speaker.melBins % 8 == 0 else { return "\"s3Gen.speakerEncoder.melBins\" is \(speaker.melBins), expected a multiple of 8" }
        guard rates.count <= 8, rates.reduce(1.0, { $0 * Double($1) }) <= 100_000 else {
            return "\"s3Gen.vocoder.upsampleRates\" multiply to more than 100000"
        }
        do {
            try s3Gen.flow.validate()
            try s3Gen.vocoder.validate()
        } catch {
            return "\(error)"
        }
        return nil
    }

    /// The largest allowed size; the product of three such numbers does not overflow.
    private static let largest = 1_000_000

    private static let mayBeZero: Set<Substring> = [
        "layers", "headBlocks", "layerCount", "upsampledLayerCount", "lookahead", "blocksPerStage", "middleStageCount", "harmonics",
        "startText", "stopText", "startSpeech", "stopSpeech", "layer", "head",
    ]

    /// Every integer in nested structures, with its path.
    private static func wholeNumbers(in value: Any, at path: String) -> [(name: String, value: Int)] {
        if let number = value as? Int { return [(path, number)] }
        return Mirror(reflecting: value).children.flatMap { child in
            // The labels of optionals, enumerations and lists mean nothing to a reader of the file.
            let label = child.label.flatMap { ["some", "llama", "gpt2"].contains($0) ? nil : $0 }
            return wholeNumbers(in: child.value, at: label.map { path.isEmpty ? $0 : "\(path).\($0)" } ?? path)
        }
    }

    /// Special tokens, and the vocabularies to which they belong.
    private var tokens: [(String, token: Int, vocabulary: Int)] {
        [
            ("t3.startText", t3.startText, t3.textVocabulary), ("t3.stopText", t3.stopText, t3.textVocabulary),
            ("t3.startSpeech", t3.startSpeech, t3.speechVocabulary), ("t3.stopSpeech", t3.stopSpeech, t3.speechVocabulary),
        ]
    }

    private var numbers: [(String, Double, ClosedRange<Double>)] {
        let numbers: [(String, Double, ClosedRange<Double>)] = [
            ("voiceEncoder.minimumCoverage", voiceEncoder.minimumCoverage, 0...1),
            ("reference.loudness", reference.loudness ?? 0, -70...0),
            ("reference.minimumSeconds", reference.minimumSeconds, 0...3600),
            ("reference.conditioningSeconds", reference.conditioningSeconds, 0.1...3600),
            ("reference.promptSeconds", reference.promptSeconds, 0.1...3600),
            ("s3Gen.tokenizer.rotaryBase", s3Gen.tokenizer.rotaryBase, 1...1e12),
        ]
        return numbers + t3.backbone.sizes.checkedNumbers.map { ("t3.backbone.\($0.name)", $0.value, $0.range) }
    }

    /// Widths that are divided among heads.
    private var shared: [(String, width: Int, heads: Int)] {
        let width = t3.backbone.hiddenSize
        return [("t3.backbone", width, t3.backbone.sizes.heads), ("s3Gen.tokenizer", s3Gen.tokenizer.hiddenSize, s3Gen.tokenizer.heads)]
            + (t3.perceiver.map { [("t3.perceiver", width, $0.heads)] } ?? [])
    }
}

extension String {
    /// The part after the last full stop.
    fileprivate var lastName: Substring { split(separator: ".").last ?? "" }
}
