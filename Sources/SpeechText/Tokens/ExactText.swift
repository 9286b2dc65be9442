/// Text that equals another only scalar by scalar.
///
/// Swift holds "é" and "e" followed by an accent to be equal, as Unicode asks. To a tokenizer they are different pieces.
struct ExactText: Hashable, Sendable {
    let string: String

    init(_ string: String) { self.string = string }
    init(_ scalars: some Sequence<Unicode.Scalar>) { string = String(String.UnicodeScalarView(scalars)) }

    static func == (a: ExactText, b: ExactText) -> Bool { a.string.utf8.elementsEqual(b.string.utf8) }
    func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
    static func + (a: ExactText, b: ExactText) -> ExactText { ExactText(a.string + b.string) }
}
