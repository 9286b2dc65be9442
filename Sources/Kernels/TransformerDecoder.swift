import CKernels
import Torch

/// Runs a ``PackedTransformer`` over new positions of any number of sequences at once. Not for concurrent use.
///
/// Keys and values are stored in pages of 16 positions (Kwon et al. 2023, "PagedAttention"). A sequence that continues another one shares its full
/// pages: the rows of a voice are stored once for all its requests.
public final class TransformerDecoder {
    /// What a head of some layer attends to at the last position of a stretch.
    public struct Record {
        let layer, head, stretch, first: Int
        let weights: UnsafeMutableBufferPointer<Float>

        /// - Parameters:
        ///   - layer: the layer's number, from 0.
        ///   - head: the head's number in the layer, from 0.
        ///   - stretch: the index of one of the call's stretches.
        ///   - first: the first of the positions whose weights are recorded.
        ///   - weights: where they are written, as many as fit; the weights of all positions add up to 1.
        public init(layer: Int, head: Int, stretch: Int, first: Int, weights: UnsafeMutableBufferPointer<Float>) {
            (self.layer, self.head, self.stretch, self.first, self.weights) = (layer, head, stretch, first, weights)
        }
    }

    /// New positions at the end of a sequence.
    public struct Stretch {
        let sequence: Sequence
        let count: Int
        let isWanted: Bool
        let adaptation: PackedAdaptation?

        /// - Parameters:
        ///   - sequence: the sequence that they continue.
        ///   - count: the number of new positions.
        ///   - wanted: whether the logits after the last position are wanted.
        ///   - adaptation: the adapters, the same for all of a sequence's positions.
        public init(_ sequence: Sequence, count: Int, wanted: Bool, adaptation: PackedAdaptation? = nil) {
            (self.sequence, self.count, isWanted, self.adaptation) = (sequence, count, wanted, adaptation)
        }
    }

    public let transformer: PackedTransformer
    /// Positions of the longest sequence.
    public let longest: Int
    /// The largest number of positions in one call.
    public let rows: Int
    private let handle: OpaquePointer
    private let pool: PagePool
    private var stretches: [ck_stretch] = []

    /// - Parameters:
    ///   - transformer: the transformer.
    ///   - longest: the number of positions of the longest sequence; at most those of the transformer's rotation.
    ///   - rows: the largest number of positions in one call; each needs some tens of kilobytes.
    ///   - rounded: whether keys and values are stored in 8 bits, with a scale for each head and position.
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    public init(_ transformer: PackedTransformer, longest: Int, rows: Int, rounded: Bool) throws {
        precondition(longest > 0 && rows > 0, "at least one position")
        precondition(longest <= transformer.rotatedPositions ?? longest, "a rotation for each position")
        guard let handle = ck_decoder_create(transformer.transformer, transformer.team.handle, longest, rows, rounded) else {
            throw KernelError.outOfMemory("activations", bytes: 4 * rows * (6 * transformer.shape.hidden + transformer.shape.inner))
        }
        self.transformer = transformer
        self.handle = handle
        (self.longest, self.rows) = (longest, rows)
        pool = PagePool(pageBytes: ck_decoder_page_bytes(handle))
    }

    deinit { ck_decoder_free(handle) }

    private static func pages(_ positions: Int) -> Int { (positions + pageLength - 1) / pageLength }
    private static let pageLength = Int(CK_PAGE)

    // MARK: sequences

    /// Keys and values of the positions computed so far. Their memory is freed with the last sequence that uses them.
    public final class Sequence {
        /// Positions so far.
        public fileprivate(set) var length: Int
        fileprivate var pages: [Page] = []
        /// The addresses of the pages, in order, for C code.
        fileprivate let table: UnsafeMutableBufferPointer<UnsafeMutableRawPointer?>

        /// - Parameter longest: the largest number of pages.
        fileprivate init(length: Int, longest: Int) {
            self.length = length
            table = .allocate(capacity: longest)
        }

        deinit { table.deallocate() }

        fileprivate func append(_ page: Page) {
            table.initializeElement(at: pages.count, to: page.memory)
            pages.append(page)
        }
    }

    /// An empty sequence, or one that continues another. Later positions of the other one do not change it.
    ///
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    public func sequence(after other: Sequence? = nil) throws -> Sequence {
        let sequence = Sequence(length: other?.length ?? 0, longest: Self.pages(longest))
        guard let other else { return sequence }
        let whole = other.length / Self.pageLength
        for page in other.pages[..<whole] { sequence.append(page) }
        // Both sequences append to the page that is not full, so each gets its own copy.
        if other.length % Self.pageLength > 0 {
            let page = try pool.take()
            page.memory.copyMemory(from: other.pages[whole].memory, byteCount: pool.pageBytes)
            sequence.append(page)
        }
        return sequence
    }

    // MARK: computing

    /// Computes new positions of different sequences, and the logits after some of them.
    ///
    /// - Parameters:
    ///   - stretches: each sequence once.
    ///   - inputs: `[rows, hidden]`, the stretches' positions one after the other.
    ///   - logits: `[wanted stretches, vocabulary]`.
    ///   - records: which attention to record besides.
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``; no sequence is longer then.
    public func run(
        _ stretches: [Stretch], inputs: UnsafeBufferPointer<Float>, logits: UnsafeMutableBufferPointer<Float>, records: [Record] = []
    ) throws {
        let count = stretches.reduce(0) { $0 + $1.count }
        precondition(count <= rows && inputs.count == count * transformer.shape.hidden, "a vector for each row")
        precondition(logits.count == stretches.count(where: \.isWanted) * transformer.vocabulary, "logits for each stretch that wants them")
        precondition(stretches.allSatisfy { $0.count > 0 && $0.sequence.length + $0.count <= longest }, "a place for each position")
        precondition(Set(stretches.map { ObjectIdentifier($0.sequence) }).count == stretches.count, "each sequence once")
        precondition(
            records.allSatisfy {
                let stretch = stretches[$0.stretch]
                return $0.first >= 0 && $0.first + $0.weights.count <= stretch.sequence.length + stretch.count
            }, "positions that the recorded row sees")
        if stretches.contains(where: { $0.adaptation != nil }) {
            precondition(stretches.allSatisfy { $0.adaptation.map { $0.transformer === transformer } ?? true }, "adaptations of this transformer")
            guard ck_decoder_make_adaptable(handle) else {
                throw KernelError.outOfMemory("what adapters add", bytes: 4 * rows * transformer.shape.inner)
            }
        }
        for stretch in stretches {
            let sequence = stretch.sequence
            while sequence.pages.count < Self.pages(sequence.length + stretch.count) { sequence.append(try pool.take()) }
        }
        self.stretches.removeAll(keepingCapacity: true)
        let asked = records.map {
            ck_attention_record(
                layer: Int32($0.layer), head: Int32($0.head), stretch: Int32($0.stretch), first: $0.first, count: $0.weights.count,
                weights: $0.weights.baseAddress)
        }
        for stretch in stretches {
            self.stretches.append(
                ck_stretch(
                    pages: UnsafePointer(stretch.sequence.table.baseAddress), start: stretch.sequence.length, count: stretch.count,
                    wanted: stretch.isWanted, adaptation: stretch.adaptation.map { UnsafePointer($0.adaptation) }))
        }
        withExtendedLifetime(stretches) {
            ck_decoder_run(handle, self.stretches, stretches.count, inputs.baseAddress, logits.baseAddress, asked, asked.count)
        }
        for stretch in stretches { stretch.sequence.length += stretch.count }
    }
}
