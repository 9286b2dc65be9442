import Chatterbox
import Foundation
import SpeechAudio
import SpeechText
import Synchronization
import Torch

/// Speaks sentences with a model that is being trained.
struct Sampler {
    private let folder: URL
    private let voice: Voice
    private let model: Model
    private let sentences: [CheckedRecording]
    private let ffmpeg: FFmpeg?
    private let recogniser: SpeechRecogniser?
    private let print: (String) -> Void

    init(_ training: FineTuning, _ voice: Voice, _ split: RecordingSplit, _ print: @escaping (String) -> Void) {
        (folder, model, ffmpeg) = (training.folder.appending(path: "samples"), training.model, training.ffmpeg)
        recogniser = training.recogniser
        (self.voice, self.print) = (voice, print)
        // Neither the shortest, which show little, nor the longest, which take long.
        sentences = split.validation.sorted { (abs($0.seconds - 4), $0.digest) < (abs($1.seconds - 4), $1.digest) }
    }

    /// The sentences that are compared at the end: a few to listen to, and more where words are counted.
    var compared: ArraySlice<CheckedRecording> { sentences.prefix(recogniser == nil ? 4 : 40) }

    /// Files of a compared sentence.
    static func names(_ number: Int) -> (recording: String, before: String, after: String) {
        ("\(number)-recording.wav", "\(number)-before.wav", "\(number)-after.wav")
    }

    /// Speaks the first sentence into a file; an error is reported and does not end the training.
    func speak(_ model: Model, _ adapters: [Adapter], as name: String) {
        do {
            guard let sentence = sentences.first, let audio = try spoken(sentence.entry.text, model, adapters) else {
                return print("sample \(name): no sound")
            }
            let file = folder.appending(path: "\(name).wav")
            try AudioFile.write(audio, to: file)
            print("sample: \(file.path)")
        } catch {
            print("sample \(name): \(error)")
        }
    }

    /// Speaks held-out sentences with the base model and with the trained one, for comparison with the recordings.
    ///
    /// - Returns: their similarity to the recordings by the model's voice encoder, and how many words a recogniser gets wrong; nil if
    ///   nothing was spoken.
    func compare(
        _ base: Model, _ trained: Model, _ adapters: [Adapter]
    ) throws -> (similarity: FineTuning.Result.Similarity, wordErrors: WordErrorComparison?)? {
        var embeddings = (recordings: [Tensor](), before: [Tensor](), after: [Tensor]())
        var words: WordErrorComparison? = recogniser.map { _ in WordErrorComparison() }
        /// After one failure it would fail each time.
        func count(_ kind: WritableKeyPath<WordErrorComparison, WordErrors>, _ file: URL?, _ text: String) {
            guard let recogniser, words != nil else { return }
            do {
                words![keyPath: kind].add(expected: text, transcript: try file.map { try recogniser.words(in: $0) } ?? "")
            } catch {
                print("word errors are not counted: \(error)")
                words = nil
            }
        }
        for (number, sentence) in compared.enumerated() {
            let names = Self.names(number + 1), text = sentence.entry.text
            let recording = try AudioFile.read(sentence.entry.audio, ffmpeg: ffmpeg).mono()
            try AudioFile.write(recording, to: folder.appending(path: names.recording))
            embeddings.recordings.append(try embedding(recording))
            count(\.recordings, folder.appending(path: names.recording), text)
            for (name, model, adapters) in [(names.before, base, []), (names.after, trained, adapters)] {
                let file = folder.appending(path: name), audio = try spoken(text, model, adapters)
                if let audio {
                    try AudioFile.write(audio, to: file)
                    if name == names.before { embeddings.before.append(try embedding(audio)) } else { embeddings.after.append(try embedding(audio)) }
                } else {
                    print("without a sound: \(name)")
                }
                count(name == names.before ? \.before : \.after, audio == nil ? nil : file, text)
            }
        }
        guard !embeddings.before.isEmpty, !embeddings.after.isEmpty, embeddings.recordings.count > 1 else { return nil }
        func mean(_ some: [Tensor], to others: [Tensor]) throws -> Double {
            var sum = 0.0, count = 0.0
            for a in some {
                for b in others where a !== b {
                    sum += try (a * b).sum().item(Double.self)
                    count += 1
                }
            }
            return sum / count
        }
        let recordings = embeddings.recordings
        let similarity = try FineTuning.Result.Similarity(
            before: mean(embeddings.before, to: recordings), after: mean(embeddings.after, to: recordings), between: mean(recordings, to: recordings))
        return (similarity, words)
    }

    /// Of length 1.
    private func embedding(_ audio: Audio) throws -> Tensor {
        try withoutGradients {
            let mel = try VoiceEncoderMel()
            return try model.voiceEncoder.embedding(ofMel: mel(audio.resampled(to: mel.config.sampleRate).trimmed().tensor())).reshaped([-1])
                .normalised(axis: 0)
        }
    }

    /// Waits for the engine, on a thread that may block.
    private func spoken(_ text: String, _ model: Model, _ adapters: [Adapter]) throws -> Audio? {
        let request = SpeechRequest(
            text, voice: voice, options: SpeechOptions(seed: 1, watermark: false), adapters: adapters.map { AdapterUse($0) }, priority: .batch)
        let done = DispatchSemaphore(value: 0), box = ResultBox(), synthesizer = Synthesizer(model)
        Task.detached {
            do {
                var samples: [Float] = []
                for try await chunk in synthesizer.chunks(for: request) { samples += chunk.audio.samples }
                box.value.withLock { $0 = .success(samples) }
            } catch {
                box.value.withLock { $0 = .failure(error) }
            }
            done.signal()
        }
        done.wait()
        let samples = try box.value.withLock { try $0!.get() }
        return samples.isEmpty ? nil : Audio(samples: samples, sampleRate: synthesizer.sampleRate)
    }

    private final class ResultBox: Sendable {
        let value = Mutex<Result<[Float], any Error>?>(nil)
    }
}
