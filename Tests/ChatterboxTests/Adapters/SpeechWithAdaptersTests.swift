import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Speech with adapters", .standInModel) struct SpeechWithAdaptersTests {
    /// A random adapter for the stand-in, which does not change when its speech ends.
    private func adapter(seed: UInt64, base: String? = nil) throws -> Adapter {
        let t3 = try Model.load(StandInModel.folder).t3, generator = try Generator(seed: seed)
        let layer = (t3.backbone as! LlamaBackbone).layers[0]
        func matrices(_ projection: Projection) throws -> Adapter.Matrices {
            .init(
                a: try .randn([2, projection.weight.size(1)], generator: generator),
                b: try .randn([projection.weight.size(0), 2], generator: generator), scale: 0.5)
        }
        return try Adapter(
            ["tfmr.layers.0.mlp.up_proj": matrices(layer.feedForward.up), "tfmr.layers.0.self_attn.v_proj": matrices(layer.attention.value)],
            base: base, name: "random \(seed)")
    }

    private func request(_ adapters: [AdapterUse], delivery: SpeechOptions.Delivery = .utterances) throws -> SpeechRequest {
        SpeechRequest(
            "The ship was late. Nobody minded.", options: SpeechOptions(maximumTokens: 12, seed: 7, delivery: delivery), adapters: adapters)
    }

    private func speak(_ synthesizer: Synthesizer, _ request: SpeechRequest) async throws -> [Float] {
        var request = request, samples: [Float] = []
        request.voice = try await synthesizer.voice(from: StandInModel.recording)
        for try await chunk in synthesizer.chunks(for: request) { samples += chunk.audio.samples }
        return samples
    }

    @Test("requests with different adapters, weights or none give the same samples alone and beside others") func company() async throws {
        let synthesizer = try await Synthesizer.load(StandInModel.folder), (a, b) = (try adapter(seed: 1), try adapter(seed: 2))
        let requests = try [[], [AdapterUse(a)], [AdapterUse(b)], [AdapterUse(a), AdapterUse(b, weight: 0.3)], [AdapterUse(a, weight: 0)]].map {
            try request($0)
        }
        var alone: [[Float]] = []
        for request in requests { alone.append(try await speak(synthesizer, request)) }
        #expect(Set(alone).count == 4)
        #expect(alone[0] == alone[4])
        let together = try await withThrowingTaskGroup(of: (Int, [Float]).self) { group in
            for (index, request) in requests.enumerated() { group.addTask { (index, try await speak(synthesizer, request)) } }
            var found = alone.map { _ in [Float]() }
            for try await (index, samples) in group { found[index] = samples }
            return found
        }
        #expect(together == alone)
    }

    @Test("speech with an adapter equals that of a merged model, also on the exact path", arguments: [ComputeOptions.standard, .exact])
    func merged(compute: ComputeOptions) async throws {
        let place = try TemporaryFolder(), target = place.url.appending(path: "merged"), use = AdapterUse(try adapter(seed: 1), weight: 0.8)
        try Model.merge([use], into: StandInModel.folder, to: target)
        let adapted = try await speak(Synthesizer.load(StandInModel.folder, compute: compute), request([use]))
        let merged = try await speak(Synthesizer.load(target, compute: compute), request([]))
        let plain = try await speak(Synthesizer.load(StandInModel.folder, compute: compute), request([]))
        #expect(adapted.count == merged.count && adapted != plain)
        #expect(zip(adapted, merged).allSatisfy { abs($0 - $1) < 1e-3 })
    }

    @Test("an adapter of another model fails only its own request, with an error that names it") func refused() async throws {
        let synthesizer = try await Synthesizer.load(StandInModel.folder), stranger = try adapter(seed: 3, base: "0123")
        await #expect(throws: AdapterError.self) { try await speak(synthesizer, request([AdapterUse(stranger)])) }
        #expect(try await !speak(synthesizer, request([])).isEmpty)
    }
}
