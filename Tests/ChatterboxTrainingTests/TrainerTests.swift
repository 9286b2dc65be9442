import Foundation
import TestSupport
import Testing
import Torch

@testable import ChatterboxTraining

/// A plane through points with random noise, learned by two groups in turn.
private final class PlaneTask: TrainingTask {
    let slope: Tensor, offset: Tensor, seen: Tensor
    private var order = ExampleOrder(lengths: Array(1...20), batchLength: 40, seed: 3)
    private(set) var batches: [[Int]] = []

    init() throws {
        let generator = try Generator(seed: 1)
        slope = try .randn([3, 1], generator: generator)
        offset = try .zeros([1])
        seen = try .zeros([1])
    }

    var groups: [ParameterGroup] {
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: 0.05, warmUp: 3, steps: 150))
        settings.averaging = 0.9
        return [ParameterGroup("slope", ["slope": slope], settings), ParameterGroup("offset", ["offset": offset], settings)]
    }
    var buffers: [String: Tensor] { ["seen": seen] }

    func step(_ number: Int, generator: Generator, descent: Descent) throws -> [TrainingMetric] {
        batches.append(order.batch(at: number))
        let x = try Tensor.randn([batches.last!.count, 3], generator: generator)
        let target = try x.sum(axis: 1, keepAxis: true) * 2 + 1
        let (slope, offset, count) = (slope, offset, x.size(0)), half = count / 2
        let first = try (x.matmul(slope) + offset - target).square().mean()
        try descent("slope", first)
        try descent("offset", [0..<half, half..<count]) { rows in
            func part(_ tensor: Tensor) throws -> Tensor { try tensor.narrow(axis: 0, from: rows.lowerBound, count: rows.count) }
            return PartOfLoss(try (part(x).matmul(slope) + offset - part(target)).square().sum() / Double(count))
        }
        try seen.add(inPlace: Tensor([Float(batches.last!.count)], shape: [1]))
        return [TrainingMetric("loss", try first.item(Double.self))]
    }
}

@Suite("Trainer")
struct TrainerTests {
    private func train(_ task: PlaneTask, steps: Int, in folder: URL) throws {
        var options = TrainingOptions(steps: steps, folder: folder)
        options.threads = 2
        try Trainer(options, print: { _ in }).run(task)
    }

    @Test("interrupted training ends with the same weights, bit for bit")
    func resuming() throws {
        let whole = try TemporaryFolder(), broken = try TemporaryFolder()
        let uninterrupted = try PlaneTask()
        try train(uninterrupted, steps: 10, in: whole.url)
        try train(PlaneTask(), steps: 5, in: broken.url)
        let resumed = try PlaneTask()
        try train(resumed, steps: 10, in: broken.url)

        #expect(resumed.batches == Array(uninterrupted.batches.suffix(5)))
        for name in ["checkpoint", "weights"] {
            let a = try SafetensorsFile(whole.url.appending(path: "\(name).safetensors"))
            let b = try SafetensorsFile(broken.url.appending(path: "\(name).safetensors"))
            #expect(a.entries.keys.sorted() == b.entries.keys.sorted())
            for tensor in a.entries.keys {
                let same = try a.tensor(tensor).withBytes { a in try b.tensor(tensor).withBytes { Array(a) == Array($0) } }
                #expect(same, "\(name): \(tensor)")
            }
        }
    }

    @Test("training lowers the loss, and the log shows it")
    func descent() throws {
        let folder = try TemporaryFolder()
        var options = TrainingOptions(steps: 150, folder: folder.url)
        options.lineSeconds = 0
        try Trainer(options, print: { _ in }).run(PlaneTask())
        let lines = try String(contentsOf: folder.url.appending(path: "losses.csv"), encoding: .utf8).split(separator: "\n")
        let losses = lines.filter { $0.contains(",loss,") }.compactMap { $0.split(separator: ",").last.flatMap { Double($0) } }
        #expect(lines.first == "step,seconds,metric,value")
        #expect(losses.count == 150)
        #expect(lastToFirst(losses) < 0.7, "\(losses)")
    }

    @Test("another task's checkpoint is refused")
    func wrongCheckpoint() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "checkpoint.safetensors")
        try SafetensorsWriter.write(["x": .zeros([1])], metadata: ["step": "3"], to: url)
        #expect { try train(PlaneTask(), steps: 5, in: folder.url) } throws: { "\($0)".contains("it has no group") }
    }
}

@Suite("Optimiser")
struct AdamWTests {
    @Test("one update follows the formula")
    func formula() throws {
        let x = try Tensor([1, -2, 3, 4] as [Float], shape: [2, 2])
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: 0.1, warmUp: 0, steps: 100))
        settings.weightDecay = 0.5
        settings.maximumNorm = 1000
        settings.averaging = nil
        let optimizer = try AdamW(["x": x], settings)
        let norm = try optimizer.update(LossGradients((x * x).sum(), by: ["x": x]).gradients)
        #expect(abs(norm * norm - 120) < 1e-3)
        // The first step's moments, corrected for their start at 0, are the gradient and its square: a step is the rate.
        // Decay leaves 0.95 of each: 1 − 0.1 · 0.5.
        let expected: [Float] = [0.95 - 0.1, -1.9 + 0.1, 2.85 - 0.1, 3.8 - 0.1]
        try expectClose(x.detached(), Tensor(expected, shape: [2, 2]), relative: 1e-6)
    }

    @Test("gradients are clipped to their common norm, and not changed below it, with any number of threads", arguments: [1, 2, 5])
    func clipping(threads: Int) throws {
        var settings = OptimizerSettings(schedule: LearningRateSchedule(peak: 0.1, warmUp: 0, steps: 1))
        for (limit, scale) in [(10.0, 1.0), (1, 0.2)] {
            settings.maximumNorm = limit
            let optimizer = try AdamW(["a": .zeros([1]), "b": .zeros([2])], settings)
            let a = try Tensor([3] as [Float], shape: [1]), b = try Tensor([0, 4] as [Float], shape: [2])
            #expect(try optimizer.update(["a": a, "b": b], threads: TrainingThreads(threads)) == 5)
            try expectClose(a, Tensor([Float(3 * scale)], shape: [1]), relative: 1e-6)
            try expectClose(b, Tensor([0, Float(4 * scale)], shape: [2]), relative: 1e-6)
        }
    }

    @Test("NaN or infinite gradients change nothing")
    func notFinite() throws {
        let x = try Tensor([1] as [Float], shape: [1])
        let optimizer = try AdamW(["x": x], OptimizerSettings(schedule: LearningRateSchedule(peak: 0.1, warmUp: 0, steps: 1)))
        #expect(try !optimizer.update(LossGradients((x * Double.infinity).sum(), by: ["x": x]).gradients).isFinite)
        #expect(try x.detached().array(of: Float.self) == [1])
        #expect(optimizer.updates == 0)
    }
}

@Suite("Order of examples")
struct ExampleOrderTests {
    @Test("an epoch has every example once, in batches within the length")
    func epoch() {
        let lengths = (0..<500).map { 10 + ($0 * 37) % 90 }
        var order = ExampleOrder(lengths: lengths, batchLength: 400, seed: 5)
        var seen: [Int] = []
        var step = 0
        while seen.count < lengths.count {
            let batch = order.batch(at: step)
            let longest = batch.map { lengths[$0] }.max() ?? 0
            #expect(batch.count * longest <= 400)
            seen += batch
            step += 1
        }
        #expect(seen.sorted() == Array(0..<500))
        #expect(order.epoch(at: step) == 1)
        var again = ExampleOrder(lengths: lengths, batchLength: 400, seed: 5)
        var other = ExampleOrder(lengths: lengths, batchLength: 400, seed: 6)
        #expect(again.batch(at: step + 3) == order.batch(at: step + 3))
        #expect(again.batch(at: 0) == order.batch(at: 0))
        #expect(other.batch(at: 0) != order.batch(at: 0))
    }
}

@Suite("Learning rate")
struct LearningRateScheduleTests {
    @Test("it rises linearly, then falls along a cosine to its lowest value")
    func shape() {
        let schedule = LearningRateSchedule(peak: 1, warmUp: 10, steps: 110, floor: 0.1)
        #expect(schedule.rate(at: 0) == 0.1)
        #expect(schedule.rate(at: 9) == 1)
        #expect(abs(schedule.rate(at: 60) - 0.55) < 1e-12)
        #expect(abs(schedule.rate(at: 110) - 0.1) < 1e-12)
        #expect(schedule.rate(at: 5000) == schedule.rate(at: 110))
    }
}

@Suite("Manifest")
struct ManifestTests {
    @Test("lines become utterances; optional fields have defaults")
    func reading() throws {
        let folder = try TemporaryFolder()
        try Data(
            """
            {"audio": "a.flac", "text": "One.", "speaker": "x", "split": "test", "seconds": 1.5, "phonemes": "wˈʌn"}
            {"audio": "/b.wav", "text": "Two."}
            """.utf8
        ).write(to: folder.url.appending(path: "manifest.jsonl"))
        let manifest = try Manifest(folder.url)
        #expect(manifest.utterances.map(\.text) == ["One.", "Two."])
        #expect(manifest.utterances.map(\.split) == ["test", "train"])
        #expect(manifest.utterances.map(\.phonemes) == ["wˈʌn", nil])
        #expect(manifest.utterances[0].audio == folder.url.appending(path: "a.flac"))
        #expect(manifest.utterances[1].audio.path == "/b.wav")
        #expect(try manifest.split("train").count == 1)
        #expect(throws: TrainingError.noExamples(manifest.url, split: "validation")) { try manifest.split("validation") }
    }

    @Test("an error names an invalid line")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "manifest.jsonl")
        try Data("{\"audio\": \"a\", \"text\": \"b\"}\n{\"audio\": 3}\n".utf8).write(to: url)
        #expect(throws: TrainingError.manifest(url, line: 2, problem: "no object with audio and text")) { try Manifest(url) }
    }
}
