import Foundation
import TestSupport
import Testing
import Torch

@testable import Chatterbox
@testable import ChatterboxCommand

/// Installing the watermark's weights on a machine without network or Python.
@Suite("chatterbox watermark --fetch --from", .standInModel) struct WatermarkTests {
    let program: Program
    /// Where the program stores them.
    let kept: URL
    /// Weights with the real sizes of the network, as stored on another machine.
    let weights: URL

    init() throws {
        program = try Program()
        kept = URL(filePath: program.path("cache/chatterbox/watermark/\(WatermarkFile.name)"))
        weights = URL(filePath: program.path("elsewhere.safetensors"))
        let random = Weights(initialising: try Generator(seed: 1))
        _ = try Watermarker(random)
        try SafetensorsWriter.write(random.parameters, to: weights)
    }

    private func fetch(_ arguments: String...) async throws -> Program.Run {
        try await program(["watermark", "--fetch"] + arguments, environment: ["XDG_CACHE_HOME": program.path("cache"), "PATH": "/nowhere"])
    }

    @Test("weights from another machine are copied, and then used for speech") func weightsOfAnother() async throws {
        let run = try await fetch("--from", weights.path)
        #expect(run.status == 0, "\(run.errors)")
        #expect(try Data(contentsOf: kept) == Data(contentsOf: weights))
        // They exist, so that nothing is downloaded and Python is not needed.
        #expect(try await fetch().status == 0)
    }

    @Test("a file with other contents, or none, is refused with its name, and nothing is stored") func others() async throws {
        let missing = try await fetch("--from", program.path("nothing.whl"))
        #expect(missing.status == 1 && missing.errors.contains("nothing.whl: there is no such file"))
        let model = try await fetch("--from", StandInModel.folder.appending(path: "ve.safetensors").path)
        #expect(model.status == 1 && model.errors.contains("ve.safetensors"), "\(model.errors)")
        let checkpoint = try await fetch("--from", fixturesFolder.appending(path: "perth.pth.tar").path)
        #expect(checkpoint.status == 1 && checkpoint.errors.contains("perth.pth.tar"), "\(checkpoint.errors)")
        #expect(!FileManager.default.fileExists(atPath: kept.path))
    }

    @Test("without Python a wheel is refused, with what to do") func noPython() async throws {
        let wheel = program.path("resemble_perth-1.0.1.whl")
        try Data("PK".utf8).write(to: URL(filePath: wheel))
        let run = try await fetch("--from", wheel)
        #expect(
            run.status == 1 && run.errors.contains("python3, which gets and unpacks the watermark's weights, is missing")
                && run.errors.contains("give it with --from"), "\(run.errors)")
    }
}
