import Kernels
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Speech tokenizer") struct S3TokenizerTests {
    let fixture: Fixture
    let tokenizer: S3Tokenizer

    init() throws {
        fixture = try Fixture("s3_tokenizer")
        tokenizer = try S3Tokenizer(fixture.weights, fixture.config(as: S3TokenizerConfig.self))
    }

    /// The fixture's recording is four seconds, repeated.
    private func mel(frames: Int) throws -> Tensor {
        try fixture.input("mel").repeated([1, 14]).narrow(axis: 1, from: 0, count: frames)
    }

    @Test("tokens are upstream's: of a short recording, of over 30 s, and with a last window that is all overlap", arguments: [401, 3500, 5450])
    func tokens(frames: Int) throws {
        try expectEqual(tokenizer.tokens(ofLogMel: mel(frames: frames)), fixture.output("tokens_\(frames)"))
    }

    @Test("padding in a batch changes no token") func batch() throws {
        let lengths = try fixture.input("lengths").array(of: Int.self)
        let tokens = try tokenizer.tokens(fixture.input("batch"), lengths: lengths)
        let expected = try fixture.output("batch_tokens"), counts = try fixture.output("batch_counts").array(of: Int.self)
        for (row, count) in counts.enumerated() {
            #expect(count == (lengths[row] + 3) / 4)
            try expectEqual(tokens[row, 0..<count], expected[row, 0..<count])
            let alone = try tokenizer.tokens(ofLogMel: fixture.input("batch")[row].narrow(axis: 1, from: 0, count: lengths[row]))
            try expectEqual(alone[0], expected[row, 0..<count], "alone")
        }
    }

    @Test("a limit excludes later frames") func limit() throws {
        let limited = try tokenizer.tokens(ofLogMel: mel(frames: 5450), limit: 50)
        try expectEqual(limited, tokenizer.tokens(ofLogMel: mel(frames: 200)))
        try expectEqual(tokenizer.tokens(ofLogMel: mel(frames: 401), limit: 200), fixture.output("tokens_401"))
    }

    @Test("the values before rounding can be trained") func differentiable() throws {
        let mel = try fixture.input("batch").requiresGradient(true)
        let levels = try tokenizer.levels(mel)
        #expect(levels.shape == [2, 50, 8])
        try levels.square().sum().backward()
        #expect(try mel.gradient!.abs().max().item(Float.self) > 0)
    }

    @Test("packed weights give the same levels, or neighbouring ones in 8 bits", arguments: [(WeightFormat.float32, 1e-5), (.int8, 0.03)])
    func packed(format: WeightFormat, tolerance: Double) throws {
        let packed = try tokenizer.packed(format, team: ThreadTeam(threads: 2))
        for frames in [401, 402, 403, 404] {
            let mel = try mel(frames: frames).unsqueezed(0)
            let difference = try (packed.levels(mel) - tokenizer.levels(mel)).abs().mean().item(Double.self)
            #expect(difference < tolerance, "\(frames) frames")
        }
        let alike = try packed.tokens(ofLogMel: mel(frames: 3500)).equal(to: fixture.output("tokens_3500")).to(.float32).mean()
        #expect(try alike.item(Double.self) > (format == .float32 ? 0.999 : 0.8))
    }

    @Test("there are 6561 tokens") func count() {
        #expect(S3TokenizerConfig.chatterbox.tokenCount == 6561)
    }

    @Test("every tensor of the checkpoint is used, including computed buffers") func complete() throws {
        let weights = fixture.weights
        #expect(weights.contains("window"))
        _ = try S3Tokenizer(weights, tokenizer.config)
        try weights.requireAllUsed()
    }
}
