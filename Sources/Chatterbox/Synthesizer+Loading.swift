import Foundation
import Logging
import SpeechText
import Torch

extension Synthesizer {
    /// Loads a model from a folder; see ``Model/load(_:variant:device:dtype:compute:flow:watermark:languageTools:adapters:logger:)``.
    ///
    /// ```swift
    /// let synthesizer = try await Synthesizer.load(URL(filePath: "models/chatterbox"))
    /// let voice = try await synthesizer.voice(from: URL(filePath: "reference.wav"))
    /// let speech = try await synthesizer.speak("The ship was late.", voice: voice)
    /// try AudioFile.write(speech.audio, to: URL(filePath: "out.wav"))
    /// ```
    /// - Parameters:
    ///   - folder: the folder with a model's files, as in upstream's repositories.
    ///   - variant: which model, for a folder with several; nil uses the one that the folder's `config.json` describes, else the first that is found.
    ///   - device: the networks' device.
    ///   - dtype: type of T3's weights and arithmetic.
    ///   - compute: the exact path or faster ones.
    ///   - flow: the model's own flow, or a fast one.
    ///   - watermark: the watermark's weights, if the folder does not contain them.
    ///   - languageTools: programs that prepare text of some languages, for the multilingual models.
    ///   - adapters: adapters of the flow, which are merged into its weights; adapters of T3 are given to requests.
    ///   - engine: runs the requests; by default a new one.
    ///   - logger: logs messages about loading and requests (<doc:Logging>); nil logs nothing.
    /// - Throws: ``ComputeError``, ``CheckpointError``, errors of damaged files, and `CancellationError` after loading if the task was cancelled
    ///   meanwhile.
    public static func load(
        _ folder: URL, variant: Variant? = nil, device: Device = .cpu, dtype: DType = .float32,
        compute: ComputeOptions = .standard, flow: FlowChoice = .own, watermark: URL? = nil, languageTools: LanguageTools = .none,
        adapters: [AdapterUse] = [], engine: SpeechEngine = SpeechEngine(), logger: Logger? = nil
    ) async throws -> Synthesizer {
        // Reading gigabytes blocks, so it has a separate thread.
        let model = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Model, any Error>) in
            Thread {
                continuation.resume(
                    with: Result {
                        try Model.load(
                            folder, variant: variant, device: device, dtype: dtype, compute: compute, flow: flow, watermark: watermark,
                            languageTools: languageTools, adapters: adapters, logger: logger)
                    })
            }.start()
        }
        try Task.checkCancellation()
        let synthesizer = Synthesizer(model, engine: engine, logger: logger)
        try await engine.warm(model)
        return synthesizer
    }
}

/// For servers that share a machine's memory among models. Nothing may be spoken at the same time.
extension Synthesizer {
    /// Frees what the engine keeps for the model between requests, before the model is released.
    package func endSharing() async { await engine.forget(model) }

    /// Moves the weights from a GPU to page-locked host memory, from which ``returnToDevice()`` moves them back without reading files. Precomputed
    /// tensors, such as tables of positions, stay on the GPU.
    ///
    /// - Returns: whether they were moved; always false on a CPU.
    /// - Throws: `TorchError` if host memory is not sufficient; the weights are then not moved.
    package func leaveDevice() async throws -> Bool {
        guard let residence = model.residence else { return false }
        await engine.forget(model)
        try await Self.blocking { try residence.leave() }
        return true
    }

    /// Moves the weights back, and captures the steps of a request again.
    ///
    /// - Throws: `TorchError` if the device has no memory left; the weights then remain in host memory.
    package func returnToDevice() async throws {
        guard let residence = model.residence else { return }
        try await Self.blocking { try residence.comeBack() }
        try await engine.warm(model)
    }
}
