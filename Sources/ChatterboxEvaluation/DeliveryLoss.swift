import Chatterbox
import SpeechAudio
import Torch

/// The quality loss of speech in chunks against the same speech computed whole.
///
/// Both are computed from the same tokens and the same noise, with the text undivided, so that the samples can be compared one by one.
public struct DeliveryLoss: Sendable {
    /// Texts that were spoken, and places where chunks meet.
    public private(set) var utterances = 0, joins = 0
    private var distances = 0.0, joinDistances = 0.0, noiseDistances = 0.0
    /// The largest step between two samples at a join, divided by the largest elsewhere in the same utterance; the maximum over all joins.
    public private(set) var largestStep = 0.0
    private var steps = 0.0

    public init() {}

    /// The mean spectrum error in decibels (`LogSpectralDistance`).
    public var spectralDecibels: Double { distances / Double(max(1, utterances)) }
    /// The same within a tenth of a second of a join.
    public var joinDecibels: Double { joinDistances / Double(max(1, joins)) }
    /// The mean spectrum difference of whole speech with other noise, for comparison.
    public var noiseDecibels: Double { noiseDistances / Double(max(1, utterances)) }
    /// The mean over all joins of the ratio of which ``largestStep`` is the maximum.
    public var meanStep: Double { steps / Double(max(1, joins)) }

    /// Speaks a text in chunks, as a whole, and as a whole with other noise.
    ///
    /// - Parameter sizes: the sizes of the chunks.
    /// - Throws: as `Synthesizer.speak`.
    package mutating func add(
        _ text: String, _ synthesizer: Synthesizer, voice: Voice?, seed: UInt64, sizes: ChunkSizes = .standard
    ) async throws {
        func speak(_ delivery: SpeechOptions.Delivery, _ sizes: ChunkSizes) async throws -> Speech {
            var options = SpeechOptions(seed: seed, watermark: false, splitting: .none, delivery: delivery)
            options.chunkSizes = sizes
            return try await synthesizer.speak(text, voice: voice, options: options)
        }
        let (chunked, whole, other) = (try await speak(.chunks, sizes), try await speak(.chunks, .whole), try await speak(.utterances, sizes))
        guard !whole.audio.samples.isEmpty else { return }
        let distance = try LogSpectralDistance()
        utterances += 1
        distances += try distance(whole.audio.tensor(), chunked.audio.tensor())
        noiseDistances += try distance(whole.audio.tensor(), other.audio.tensor())

        let samples = chunked.audio.samples, perToken = synthesizer.sampleRate / 25
        let places = sizes.ends(of: samples.count / perToken).map { $0 * perToken }
        let change = zip(samples, samples.dropFirst()).map { abs($1 - $0) }
        // A window of the transform that covers a join is four hops long, and a frame lasts 20 ms.
        func isNear(_ index: Int) -> Bool { places.contains { abs($0 - index) <= perToken / 2 } }
        let elsewhere = change.indices.reduce(Float(0)) { isNear($1) ? $0 : max($0, change[$1]) }
        for place in places {
            let step = Double(change[max(0, place - 3)..<min(change.count, place + 3)].max()! / elsewhere)
            largestStep = max(largestStep, step)
            steps += step
            let around = max(0, place - perToken * 5 / 4)..<min(samples.count, place + perToken * 5 / 4)
            joinDistances += try distance(
                Tensor(Array(whole.audio.samples[around]), shape: [1, around.count]), Tensor(Array(samples[around]), shape: [1, around.count]))
            joins += 1
        }
    }
}
