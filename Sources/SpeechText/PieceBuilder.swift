/// Divides a text into pieces, one part of the script after the other.
struct PieceBuilder {
    private(set) var parts: [TextPlan.Part] = []
    private(set) var count = 0
    private(set) var notes: [TextNote] = []
    /// Characters that the model does not know, each once, in order of appearance.
    private(set) var unknown: [Character] = []
    private let pipeline: TextPipeline
    private let language: Language
    private let splitter = SentenceSplitter()
    /// The number of letters, and of letters that the model does not know.
    private var letters = (all: 0, unknown: 0)
    /// Whether some text contained no word.
    private var hasMarksAlone = false

    /// The largest number of characters in a piece as it is spoken, if that is longer than the text as written.
    private static let longest = 350
    /// A piece with fewer letters is spoken together with its neighbour: for very short texts the models add sounds.
    private static let shortest = 20

    init(_ pipeline: TextPipeline, _ language: Language) { (self.pipeline, self.language) = (pipeline, language) }

    /// Whether the model does not know more than half of the text's letters.
    var isMostlyUnknown: Bool { letters.unknown * 2 > letters.all }

    /// Whether the text consists of silence only.
    var isSilence: Bool {
        count == 0 && !hasMarksAlone && parts.contains { if case .silence(let seconds) = $0 { seconds > 0 } else { false } }
    }

    // MARK: parts of the script

    /// Adds the whole text as one piece, as it is written if no markup was found in it.
    mutating func addWhole(_ marked: MarkedText, of text: String) throws {
        let segments = marked.parts.flatMap { part -> [SpokenText.Segment] in
            if case .speech(let text, _) = part { text.segments } else { [] }
        }
        let reading = SpokenText(segments: segments)
        var slices = reading.isChanged ? SpokenTextSlices(reading) : nil
        try add(reading.isChanged ? reading.text : text, pause: 0, MarkedText.Manner(), &slices)
    }

    mutating func add(_ marked: MarkedText) throws {
        for (index, part) in marked.parts.enumerated() {
            switch part {
            case .silence(let seconds): parts.append(.silence(seconds))
            case .speech(let text, let manner):
                let isFollowed = index + 1 < marked.parts.count && { if case .speech = marked.parts[index + 1] { true } else { false } }()
                try add(text, manner, isFollowed: isFollowed)
            }
        }
    }

    private mutating func add(_ reading: SpokenText, _ manner: MarkedText.Manner, isFollowed: Bool) throws {
        var slices = reading.isChanged ? SpokenTextSlices(reading) : nil
        let plain = reading.text
        let script = try pipeline.split(plain)
        var index = 0
        while index < script.count {
            guard case .speech(let first, var boundary) = script[index] else {
                if case .silence(let seconds) = script[index] { parts.append(.silence(seconds)) }
                index += 1
                continue
            }
            var group = PieceGroup(first)
            // Short neighbours are spoken together.
            while index + 1 < script.count, boundary == .paragraph || boundary == .sentence,
                case .speech(let next, let after) = script[index + 1],
                group.letters < Self.shortest
                    || index + 2 == script.count && splitter.length(next) < Self.shortest && boundary == .paragraph,
                group.letters + splitter.length(next) <= splitter.limit
            {
                group.join(next, pause: pipeline.pause(boundary), splitter)
                boundary = after
                index += 1
            }
            // A requested silence replaces the pause; after the last word there is no pause.
            var pause = 0.0
            if index + 1 < script.count {
                if case .speech = script[index + 1] { pause = pipeline.pause(boundary) }
            } else if isFollowed {
                pause = pipeline.pause(SentenceSplitter.boundary(atEndOf: plain))
            }
            try add(group.text, pause: pause, manner, &slices, group)
            index += 1
        }
    }

    // MARK: pieces

    /// Adds a piece, or several if it is too long as spoken.
    ///
    /// - Parameters:
    ///   - slices: the segments of the text with markup removed; nil if it has no markup.
    ///   - group: the joins between the parts of the piece.
    private mutating func add(
        _ text: String, pause: Double, _ manner: MarkedText.Manner, _ slices: inout SpokenTextSlices?, _ group: PieceGroup? = nil
    ) throws {
        var readings = steps(text, group)
        let spoken = readings.last?.text ?? text, encoded = pipeline.tokenize(spoken, in: language)
        let isLong =
            encoded.tokens.count > pipeline.limit
            || spoken.utf8.count > Self.longest && spoken.count > max(Self.longest, 3 * text.count / 2)
        if isLong, encoded.hasWords, pipeline.splits {
            let halves = SentenceSplitter(limit: max(1, text.count / 2 + 1))(text)
            if halves.count > 1 {
                for (index, half) in halves.enumerated() {
                    try add(half.text, pause: index + 1 < halves.count ? pipeline.pause(half.boundary) : pause, manner, &slices)
                }
                return
            }
        }
        if let marks = slices?.next(text.inkedScalars), marks.isChanged { readings.insert(marks, at: 0) }
        // Characters that are not spoken are reported, whether or not the rest of the piece is spoken.
        let unknown = pipeline.unknownCharacters(in: spoken, encoded)
        self.unknown += unknown.filter { !self.unknown.contains($0) }
        let missing = Set(unknown)
        letters.all += spoken.count(where: \.isLetter)
        letters.unknown +=
            missing.isEmpty
            ? 0 : spoken.count { $0.isLetter && (missing.contains($0) || $0.lowercased().first.map(missing.contains) == true) }
        guard encoded.hasWords else {
            hasMarksAlone = true
            return
        }
        guard encoded.tokens.count <= pipeline.limit else {
            throw TextError.tooLong(characters: text.count, tokens: encoded.tokens.count, limit: pipeline.limit)
        }
        notes += encoded.notes.filter { !notes.contains($0) }
        count += 1
        parts.append(
            .piece(
                TextPlan.Piece(
                    text: text, readings: readings, number: count, pause: pause, manner: manner, joints: group?.joints ?? [])))
    }

    /// The spoken form of a piece, step by step.
    private func steps(_ text: String, _ group: PieceGroup?) -> [SpokenText] {
        var readings: [SpokenText] = [], said = text
        func take(_ reading: SpokenText) {
            guard reading.isChanged else { return }
            readings.append(reading)
            said = reading.text
        }
        if let group { take(group.reading) }
        take(pipeline.respell(said))
        take(pipeline.normalize(said, in: language))
        return readings
    }
}

/// Pieces that are spoken together.
struct PieceGroup {
    private(set) var text: String
    private(set) var letters: Int
    private var segments: [SpokenText.Segment]
    /// The number of letters before each join between parts, and the pause there.
    private var places: [(letters: Int, pause: Double)] = []

    init(_ text: String) {
        self.text = text
        letters = SentenceSplitter().length(text)
        segments = [.init(written: text, spoken: text)]
    }

    /// The spoken form, with a full stop at the end of a part that has no mark there.
    var reading: SpokenText { SpokenText(segments: segments) }

    var joints: [TextPlan.Joint] { places.map { TextPlan.Joint(share: Double($0.letters) / Double(max(1, letters)), pause: $0.pause) } }

    mutating func join(_ next: String, pause: Double, _ splitter: SentenceSplitter) {
        places.append((letters, pause))
        let isWide = (text.unicodeScalars.last?.value ?? 0) >= 0x2E80
        let hasEnd =
            text.last { !SentenceSplitter.closing.contains($0) }.map {
                SentenceSplitter.ends.contains($0) || SentenceSplitter.breaks.contains($0)
            } ?? true
        let space = isWide ? "" : " "
        segments.append(.init(written: space, spoken: hasEnd ? space : isWide ? "。" : ". "))
        segments.append(.init(written: next, spoken: next))
        text += space + next
        letters += splitter.length(next)
    }
}
