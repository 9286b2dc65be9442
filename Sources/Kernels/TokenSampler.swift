import CKernels
import Torch

/// Draws a request's tokens from logits on the CPU: for the same generator those that libtorch's operations draw in float32.
///
/// One call draws for many requests. Not for concurrent use; the generator is the request's own.
public final class TokenSampler {
    /// Sampling options; the caller checks their values.
    public struct Options: Sendable, Hashable {
        /// When the repetition penalty is applied.
        public enum Order: Sendable, Hashable {
            /// Guidance, repetition penalty, temperature, min-p, top-p: Chatterbox.
            case penaltyFirst
            /// Temperature, top-k, top-p, repetition penalty: Turbo.
            case penaltyLast
        }

        public var order: Order
        /// How far logits are extrapolated from those without text past those with it; used if there are both.
        public var guidance: Double
        /// 1 does nothing.
        public var repetitionPenalty: Double
        /// With 0 the most likely token after guidance and penalty is chosen, the first of equals, and no random number is drawn.
        public var temperature: Double
        /// 0 keeps all.
        public var minP: Double
        /// 1 keeps all.
        public var topP: Double
        /// nil keeps all.
        public var topK: Int?

        public init(
            order: Order, guidance: Double = 0, repetitionPenalty: Double = 1, temperature: Double = 1, minP: Double = 0,
            topP: Double = 1, topK: Int? = nil
        ) {
            self.order = order
            self.guidance = guidance
            self.repetitionPenalty = repetitionPenalty
            self.temperature = temperature
            self.minP = minP
            self.topP = topP
            self.topK = topK
        }

        var inC: ck_sampling {
            ck_sampling(
                penalises_last: order == .penaltyLast, guidance: Float(guidance), repetition_penalty: Float(repetitionPenalty),
                temperature: Float(temperature), min_p: Float(minP), tail: Float(1 - topP), top_k: topK ?? 0)
        }
    }

    /// A request that needs a token.
    public struct Row {
        let sampler: TokenSampler
        let logits: Tensor
        let ruledOut: Int?

        /// - Parameters:
        ///   - sampler: the sampler whose next token is drawn.
        ///   - logits: `[1, vocabulary]`, or with guidance `[2, vocabulary]`: with text and without; Turbo's order ignores the second; float32 on the
        ///     CPU.
        ///   - ruledOut: a token that cannot be drawn: its logits count as −10000.
        public init(_ sampler: TokenSampler, logits: Tensor, rulingOut ruledOut: Int? = nil) {
            self.sampler = sampler
            self.logits = logits
            self.ruledOut = ruledOut
        }
    }

    private let vocabulary: Int
    private let generator: Generator
    private let sampling: UnsafeMutablePointer<ck_sampling>
    private let random: UnsafeMutablePointer<ck_random>
    /// The tokens to which the repetition penalty applies, as bits, 64 in a word.
    private let seen: UnsafeMutableBufferPointer<UInt64>

    /// - Parameters:
    ///   - options: how tokens are drawn.
    ///   - vocabulary: logits of a row, at least one.
    ///   - generator: on the CPU.
    public init(_ options: Options, vocabulary: Int, generator: Generator) {
        precondition(vocabulary > 0, "at least one token")
        self.vocabulary = vocabulary
        self.generator = generator
        sampling = .allocate(capacity: 1)
        sampling.initialize(to: options.inC)
        random = .allocate(capacity: 1)
        random.initialize(to: ck_random())
        seen = .allocate(capacity: (vocabulary + 63) / 64)
        seen.initialize(repeating: 0)
    }

    deinit {
        sampling.deallocate()
        random.deallocate()
        seen.deallocate()
    }

    /// Has the repetition penalty apply to a token, or no longer.
    public func mark(_ token: Int, isSeen: Bool = true) {
        precondition(0..<vocabulary ~= token, "a token of the vocabulary")
        let bit = UInt64(1) << (token % 64)
        if isSeen { seen[token / 64] |= bit } else { seen[token / 64] &= ~bit }
    }

    /// Draws a token for each of several requests with the same vocabulary.
    ///
    /// - Returns: the tokens. A token is nil if rounding could change it, or a logit is NaN or infinite; the request's generator is then unchanged,
    ///   and libtorch's operations have to draw.
    /// - Throws: ``KernelError``, and `TorchError` if logits are not float32 on the CPU, or a generator is on another device.
    public static func draw(_ rows: [Row], team: ThreadTeam) throws -> [Int?] {
        guard let vocabulary = rows.first?.sampler.vocabulary else { return [] }
        var draws = try rows.map { row in
            let sampler = row.sampler
            precondition(sampler.vocabulary == vocabulary, "requests of one model")
            return try sampler.draw(from: row.logits, rulingOut: row.ruledOut)
        }
        let isDone = withExtendedLifetime(rows) { ck_sample(team.handle, &draws, draws.count, vocabulary) }
        guard isDone else { throw KernelError.outOfMemory("sampling", bytes: team.threads * vocabulary * 24) }
        return try zip(rows, draws).map { row, draw in
            guard draw.token != CK_UNDECIDED else { return nil }
            try row.sampler.keepRandom()
            return Int(draw.token)
        }
    }

    /// The kernel's description of one row; valid as long as the logits and the sampler exist.
    private func draw(from logits: Tensor, rulingOut ruledOut: Int?) throws -> ck_draw {
        let shape = logits.shape
        guard shape.count == 2, 1...2 ~= shape[0], shape[1] == vocabulary else {
            throw KernelError.shape("logits", expected: "[1 or 2, \(vocabulary)]", found: shape)
        }
        precondition(ruledOut.map { 0..<vocabulary ~= $0 } ?? true, "a token of the vocabulary")
        let (start, strides) = try logits.storage(of: Float.self)
        guard strides[1] == 1 else { throw KernelError.shape("logits", expected: "[1 or 2, \(vocabulary)], rows without gaps", found: shape) }
        if sampling.pointee.temperature != 0 { random.pointee.used = try generator.copyTwister(to: words) }
        let isGuided = shape[0] == 2 && !sampling.pointee.penalises_last
        return ck_draw(
            logits: start, unguided: isGuided ? UnsafePointer(start + strides[0]) : nil, sampling: sampling, seen: seen.baseAddress,
            ruled_out: Int32(ruledOut ?? -1), random: random, token: Int32(CK_UNDECIDED))
    }

    /// Advances the generator to the kernel's state.
    private func keepRandom() throws {
        guard sampling.pointee.temperature != 0 else { return }
        try generator.setTwister(words, used: random.pointee.used)
    }

    /// The words of the generator's state, at the beginning of `random`.
    private var words: UnsafeMutablePointer<UInt32> { UnsafeMutableRawPointer(random).assumingMemoryBound(to: UInt32.self) }
}
