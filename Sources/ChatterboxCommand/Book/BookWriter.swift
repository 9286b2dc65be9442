import Chatterbox
import FileSupport
import Foundation
import SpeechAudio

/// Writes a long text's output from its stored utterances, one after the other, so that memory does not grow with its length: joined, with the
/// requested speed and loudness, and with the watermark over the whole. The same utterances always give the same samples.
struct BookWriter {
    let folder: BookFolder
    let sampleRate: Int
    let speed: Double
    /// The loudness of each chapter in LUFS; nil leaves it unchanged.
    let loudness: Double?
    /// nil for no watermark.
    let watermarker: Watermarker?
    let format: BookFormat
    /// nil if the output is not MPEG-4.
    let ffmpeg: FFmpeg?

    /// The result of writing.
    struct Written {
        /// The times at which the chapters begin, and the end, in seconds.
        var starts: [Double] = []
        var seconds = 0.0
        var isMarked = false
        var warnings: [SpeechWarning] = []
    }

    /// Everything that determines a file besides the chapters' utterances.
    private var facts: [String] {
        ["\(speed)", "\(loudness.map { "\($0)" } ?? "")", "\(watermarker != nil)", "\(format)"]
    }

    func digest(_ chapters: [BookChapter], marks: Bool, title: String?) -> String {
        SpeechFacts.digest(
            facts + ["\(marks)", title ?? ""]
                + chapters.flatMap { chapter in
                    [chapter.title ?? "", "\(chapter.items.count)"] + chapter.items.flatMap { [$0.utterance?.digest ?? "", "\($0.silence)"] }
                })
    }

    /// - Parameters:
    ///   - marks: whether the file gets chapter marks.
    ///   - title: the title of the whole, for formats that store one.
    ///   - url: the output; an existing file is replaced when everything has been written.
    /// - Throws: `AudioError`, `TorchError`, ``BatchFolderError``, `CancellationError`; no file remains in that case.
    func write(_ chapters: [BookChapter], marks: Bool, title: String?, to url: URL) throws -> Written {
        var written = Written(), gains: [Float] = [], marked: [ChapterMark] = [], samples = 0
        for chapter in chapters {
            let (count, gain, warning) = try measured(chapter)
            gains.append(gain)
            written.warnings += [warning].compactMap(\.self)
            written.starts.append(Double(samples) / Double(sampleRate))
            samples += count
            marked.append(
                ChapterMark(
                    title: chapter.title ?? title ?? "Beginning", start: written.starts.last!, end: Double(samples) / Double(sampleRate)))
        }
        written.seconds = Double(samples) / Double(sampleRate)
        let sound = folder.url.appending(path: ".output.\(ending).part")
        defer { unlink(sound.path) }
        written.isMarked = try encode(chapters, gains, marks ? marked : [], title, to: sound)
        guard case .mpeg4 = format, let ffmpeg else {
            try Self.move(sound, to: url)
            return written
        }
        let file = folder.url.appending(path: ".output.\(format.fileExtension).part")
        defer { unlink(file.path) }
        try ffmpeg.writeMPEG4(sound, chapters: marks ? marked : [], title: title, to: file)
        try Self.move(file, to: url)
        return written
    }

    /// The format in which the sound is encoded.
    private var soundFormat: AudioFormat { if case .sound(let format) = format { format } else { .aac } }
    private var ending: String { soundFormat.rawValue }

    private func encode(_ chapters: [BookChapter], _ gains: [Float], _ marks: [ChapterMark], _ title: String?, to url: URL) throws -> Bool {
        var sound = SoundFormat(soundFormat)
        if case .sound = format { (sound.title, sound.chapters) = (title, marks) }
        let file = try AudioFileWriter(url, sound, sampleRate: sampleRate)
        func append(_ samples: [Float]) throws { try file.append(Audio(samples: samples, sampleRate: sampleRate)) }
        var stream = watermarker.map { WatermarkStream($0, sampleRate: sampleRate) }
        for (chapter, gain) in zip(chapters, gains) {
            try forEachBlock(of: chapter) { block in
                let samples = gain == 1 ? block : block.map { $0 * gain }
                try append(try stream?.mark(samples) ?? samples)
            }
        }
        let ending = try stream?.finish()
        if let ending { try append(ending.samples) }
        try file.finish()
        return ending?.isMarked ?? false
    }

    /// A chapter's length in samples, and its gain.
    private func measured(_ chapter: BookChapter) throws -> (samples: Int, gain: Float, warning: SpeechWarning?) {
        if speed == 1, loudness == nil { return (chapter.samples, 1, nil) }
        var meter = LoudnessMeter(sampleRate: sampleRate), count = 0
        try forEachBlock(of: chapter) { block in
            count += block.count
            if loudness != nil { meter.take(block) }
        }
        let ceiling = SpeechOptions.loudnessCeiling
        guard let loudness, let found = meter.loudness, let gain = meter.gain(toLUFS: loudness, ceiling: ceiling) else { return (count, 1, nil) }
        return (count, Float(pow(10, gain / 20)), .loudnessLimited(found + gain, target: loudness, in: chapter.title))
    }

    /// Passes on a chapter's sound at its speed, several seconds at a time.
    private func forEachBlock(of chapter: BookChapter, _ body: ([Float]) throws -> Void) throws {
        let tempo = speed == 1 ? nil : try TempoStream(speed: speed, sampleRate: sampleRate)
        for item in chapter.items {
            try Task.checkCancellation()
            let samples = try (item.utterance.map(folder.samples(of:)) ?? []) + [Float](repeating: 0, count: item.silence)
            try body(try tempo?.process(samples) ?? samples)
        }
        if let tempo { try body(tempo.finish()) }
    }

    /// Moves a file to its final path; to another disk it is copied completely or not at all.
    private static func move(_ file: URL, to url: URL) throws {
        let target = url.resolvingSymlinksInPath()
        if rename(file.path, target.path) == 0 { return }
        guard errno == EXDEV else { throw AudioError.unwritable(name: url.path, reason: String(cString: strerror(errno))) }
        let source = try FileHandle(forReadingFrom: file)
        do {
            try ReplacementFile.write(url) { append in
                while let data = try source.read(upToCount: 1 << 20), !data.isEmpty { try data.withUnsafeBytes { try append($0) } }
            }
        } catch let error as SystemError {
            throw error.isDiskFull
                ? AudioError.diskFull(name: url.path, bytes: BatchResults.byteCount(file) ?? 0)
                : AudioError.unwritable(name: url.path, reason: error.description)
        }
    }
}
