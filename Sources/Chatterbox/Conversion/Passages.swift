/// A long sequence in overlapping passages: each begins `overlap` before the last one's end, and the last one ends with
/// the sequence.
struct Passages: Sequence {
    let count, length, overlap: Int

    /// - Precondition: passages longer than their overlaps.
    init(count: Int, length: Int, overlap: Int) {
        precondition(count >= 0 && overlap >= 0 && length > overlap, "passages of \(length) cannot overlap by \(overlap)")
        (self.count, self.length, self.overlap) = (count, length, overlap)
    }

    func makeIterator() -> some IteratorProtocol<Range<Int>> {
        var start: Int? = count > 0 ? 0 : nil
        return AnyIterator { () -> Range<Int>? in
            guard let begin = start else { return nil }
            let end = Swift.min(begin + length, count)
            start = end < count ? end - overlap : nil
            return begin..<end
        }
    }
}
