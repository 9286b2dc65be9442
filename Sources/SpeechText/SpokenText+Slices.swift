extension SpokenText {
    /// Whether anything is said otherwise than it is written.
    public var isChanged: Bool { segments.contains(where: \.isChanged) }
}

/// Cuts a text into parts, from its beginning on.
///
/// Parts are counted in characters that are no white space, so that they are found whatever happened to the spaces between.
public struct SpokenTextSlices {
    private let segments: [SpokenText.Segment]
    /// What of the first segments was given out: segments, and scalars of the next.
    private var (segment, scalar) = (0, 0)
    /// What is said in that segment.
    private var spoken: [Unicode.Scalar] = []

    public init(_ text: SpokenText) { segments = text.segments }

    /// The next part.
    ///
    /// - Parameter count: scalars of what is said in it that are no white space. Marks without words go with what follows them; a
    ///   stretch that is said otherwise than it is written, and ends in a later part, is kept in the first.
    public mutating func next(_ count: Int) -> SpokenText {
        var part: [SpokenText.Segment] = [], rest = count
        while segment < segments.count, rest > 0 || segments[segment].spoken.isEmpty {
            let whole = segments[segment]
            if scalar == 0 { spoken = Array(whole.spoken.unicodeScalars) }
            var end = scalar
            while end < spoken.count {
                let isSpace = spoken[end].isWhiteSpace
                if !isSpace, rest == 0 { break }
                if !isSpace { rest -= 1 }
                end += 1
            }
            let text = String(scalars: spoken[scalar..<end])
            part.append(.init(written: whole.isChanged ? scalar == 0 ? whole.written : "" : text, spoken: text))
            if end == spoken.count { (segment, scalar) = (segment + 1, 0) } else { scalar = end }
            if rest == 0, scalar > 0 { break }
        }
        return SpokenText(segments: part)
    }
}

extension String {
    /// Scalars that are no white space.
    public var inkedScalars: Int { unicodeScalars.count { !$0.isWhiteSpace } }
}
