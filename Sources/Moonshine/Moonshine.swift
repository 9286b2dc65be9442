import CMoonshine
import Chatterbox
import Foundation
import SpeechAudio
import SpeechText
import Synchronization
import Torch

/// Moonshine tiny, a recogniser of English (Jeffries et al. 2024), as a judge of speech. Its word error rate for read English is about 5 %, and it
/// transcribes ten seconds in about one second on one core.
///
/// Its library is called on its own queue, one sound at a time.
public final class Moonshine: SpeechJudge {
    public let name = "moonshine"
    public let languages: Set<Language> = [.english]
    private let queue = DispatchQueue(label: "chatterbox.moonshine")
    private let recogniser: Recogniser

    /// Seconds of silence appended to a sound. Without them the recogniser invents words at the beginning of some recordings.
    private static let silence = 0.5
    private static let sampleRate = 16_000

    /// Loads library and model, about 90 MB, which takes about half a second.
    ///
    /// - Throws: ``MoonshineError``.
    public convenience init(_ files: MoonshineFiles) throws { try self.init(files, renewingAfter: 100) }

    /// - Parameter seconds: the seconds of sound after which the model is loaded again: the library keeps about a megabyte for each second that it
    ///   transcribes.
    init(_ files: MoonshineFiles, renewingAfter seconds: Double) throws {
        try files.check()
        recogniser = try queue.sync { [files] in try Recogniser(files, most: seconds) }
    }

    /// The transcript of a sound.
    ///
    /// - Throws: ``MoonshineError/cannotHear(_:)``, `AudioError`, `CancellationError`.
    public func words(in audio: Audio) async throws -> String {
        let isCancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                queue.async { [recogniser] in
                    continuation.resume(
                        with: Result {
                            if isCancelled.isRaised { throw CancellationError() }
                            return try recogniser.words(in: audio)
                        })
                }
            }
        } onCancel: {
            isCancelled.raise()
        }
    }

    /// The library's recogniser. Sendable because only the queue uses it, one call after the other.
    private final class Recogniser: @unchecked Sendable {
        private let files: MoonshineFiles
        private var handle: cm_recogniser?
        /// The seconds of sound that this handle has transcribed.
        private var transcribed = 0.0

        private let most: Double

        init(_ files: MoonshineFiles, most: Double) throws {
            (self.files, self.most) = (files, most)
            handle = try Self.load(files)
        }

        deinit { if let handle { cm_free(handle) } }

        private static func load(_ files: MoonshineFiles) throws -> cm_recogniser {
            var error: UnsafeMutablePointer<CChar>?
            guard let handle = cm_load(files.library.path, files.model.path, &error) else { throw MoonshineError.cannotLoad(text(error)) }
            return handle
        }

        /// Copies a text of the library and frees the original.
        private static func text(_ text: UnsafeMutablePointer<CChar>?) -> String {
            guard let text else { return "out of memory" }
            defer { cm_free_text(text) }
            return String(cString: text)
        }

        func words(in audio: Audio) throws -> String {
            let mono = try audio.mono().resampled(to: Moonshine.sampleRate)
            guard mono.samples.allSatisfy(\.isFinite) else { throw MoonshineError.cannotHear("the sound has samples that are NaN or infinite") }
            if transcribed > most, let used = handle {
                cm_free(used)
                handle = nil
                try? Memory.releaseCache()
            }
            let current = try handle ?? Self.load(files)
            if handle == nil { (handle, transcribed) = (current, 0) }
            let samples = mono.samples + [Float](repeating: 0, count: Int(Moonshine.silence * Double(Moonshine.sampleRate)))
            transcribed += Double(samples.count) / Double(Moonshine.sampleRate)
            var error: UnsafeMutablePointer<CChar>?
            guard let words = cm_hear(current, samples, UInt64(samples.count), Int32(Moonshine.sampleRate), &error) else {
                throw MoonshineError.cannotHear(Self.text(error))
            }
            return Self.text(words)
        }
    }
}

/// A flag that is never reset.
private final class Flag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func raise() { raised.store(true, ordering: .relaxed) }
}
