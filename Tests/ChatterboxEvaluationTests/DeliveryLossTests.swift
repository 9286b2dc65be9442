import Chatterbox
import ChatterboxEvaluation
import Foundation
import TestSupport
import Testing

@Suite("The loss of delivery in chunks") struct DeliveryLossTests {
    @Test(
        "Pico's held-out sentences in chunks differ less from whole speech than other noise does, and join without a step",
        arguments: [
            Quantization.none, .int8,
        ])
    func pico(quantization: Quantization) async throws {
        let lines = try String(contentsOf: DocumentedExample.repository.appending(path: "scripts/speech/test.txt"), encoding: .utf8).split(
            separator: "\n")
        let model = try Model.load(
            DocumentedExample.repository.appending(path: "Models/pico"), compute: ComputeOptions(quantization: quantization))
        let synthesizer = Synthesizer(model)
        var loss = DeliveryLoss()
        for (index, line) in lines.prefix(3).enumerated() {
            try await loss.add(String(line.split(separator: "\t")[1]), synthesizer, voice: nil, seed: UInt64(index))
        }
        #expect(loss.utterances == 3 && loss.joins >= 3)
        #expect(loss.spectralDecibels < 1.5 && loss.spectralDecibels < loss.noiseDecibels, "\(loss)")
        #expect(loss.largestStep < 1, "\(loss)")
    }
}
