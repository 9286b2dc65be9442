import CSndfile
import Foundation

/// Sound files: reading through libsndfile, some through ffmpeg, writing in ``AudioFormat``.
public enum AudioFile {
    /// The largest number of samples of a file, over all channels: 1 GiB of them.
    public static let maximumSamples = 1 << 28

    /// Reads WAV, FLAC, MP3, Ogg Vorbis, Opus or AIFF of any rate and channel count; with ffmpeg's help also m4a, mp4, WebM, caf
    /// and AAC.
    ///
    /// A WAV whose header does not say how long it is, as in streams, is read to the end of the file (``Audio/hasOpenLength``). A WAV, AIFF or FLAC
    /// file with less sound than its header says is refused. An Ogg file without its last page, an MP3 with less than its Xing or LAME header says,
    /// and a file that ffmpeg finds damaged are read as far as possible (``Audio/endsEarly``); for an MP3 without such a header truncation cannot
    /// be detected.
    ///
    /// - Parameters:
    ///   - url: a regular file or a pipe.
    ///   - ffmpeg: the program for m4a and the like, if it is installed.
    /// - Throws: ``AudioError`` naming the file if it is missing, empty, truncated, not a sound file, without samples, or contains NaN or
    ///   infinities.
    public static func read(_ url: URL, ffmpeg: FFmpeg? = nil) throws -> Audio {
        let name = url.path
        var status = stat()
        guard stat(name, &status) == 0 else {
            let code = errno
            if code == ENOENT || code == ENOTDIR { throw AudioError.missing(name: name) }
            throw AudioError.unreadable(name: name, reason: String(cString: strerror(code)))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFIFO: break
        case S_IFDIR: throw AudioError.unreadable(name: name, reason: "it is a folder")
        default: throw AudioError.unreadable(name: name, reason: "it is not a regular file")
        }
        let data: Data
        do { data = try Data(contentsOf: url, options: .mappedIfSafe) } catch {
            throw AudioError.unreadable(name: name, reason: error.localizedDescription)
        }
        return try read(data, named: name, ffmpeg: ffmpeg)
    }

    /// Reads a file's bytes, in the formats of ``read(_:ffmpeg:)``.
    ///
    /// - Parameters:
    ///   - data: the whole file.
    ///   - name: the name in errors.
    ///   - ffmpeg: the program for m4a and the like; nil refuses them.
    ///   - most: the largest number of samples that are read, in all channels together.
    /// - Throws: as ``read(_:ffmpeg:)``.
    public static func read(_ data: Data, named name: String, ffmpeg: FFmpeg? = nil, most: Int = maximumSamples) throws -> Audio {
        guard !data.isEmpty else { throw AudioError.empty(name: name) }
        if let container = SoundContainer.Foreign(data) {
            guard let ffmpeg else { throw AudioError.needsFFmpeg(name: name, container: container.rawValue) }
            return try ffmpeg.audio(data, in: container, named: name, most: most)
        }
        // The indices must begin at 0, even if the caller passes a slice.
        let data = data.startIndex == 0 ? data : Data(data)
        let part = ContainerLength(data)
        let store = MemoryStore(part?.completed(data) ?? data)
        if let problem = SoundContainer.problem(store.bytes) {
            throw AudioError.notAudio(name: name, bytes: data.count, reason: problem)
        }
        let file = VirtualFile(store)
        var info = SF_INFO()
        guard let handle = file.open(SFM_READ, &info) else {
            let reason = String(cString: sf_strerror(nil)).trimmingCharacters(in: .whitespacesAndNewlines)
            throw AudioError.notAudio(name: name, bytes: data.count, reason: reason)
        }
        // The handle refers to the file, which must exist until then.
        defer { withExtendedLifetime(file) { _ = sf_close(handle) } }
        let channels = Int(info.channels), sampleRate = Int(info.samplerate)
        guard (1...1024).contains(channels), (1000...768_000).contains(sampleRate) else {
            throw AudioError.notAudio(name: name, bytes: data.count, reason: "\(channels) channels at \(sampleRate) Hz")
        }
        if let part, part.found < part.declared {
            throw AudioError.truncated(name: name, declared: part.declared, found: part.found, unit: "bytes")
        }
        let samples = try readSamples(handle, channels: channels, named: name, most: most)
        // The length of an MPEG file is only an estimate.
        let declared = Int(info.frames), found = samples.count / channels
        if found < declared, Int(info.format) & SF_FORMAT_TYPEMASK != SF_FORMAT_MPEG, declared < Int.max / 2, found > 0 || declared > 0 {
            throw AudioError.truncated(name: name, declared: declared, found: found, unit: "frames")
        }
        var audio = try Audio(samples: samples, sampleRate: sampleRate, channels: channels).checkedFinite(named: name)
        audio.hasOpenLength = part?.isOpen ?? false
        audio.endsEarly = SoundContainer.endsEarly(store.bytes)
        return audio
    }

    /// Reads in blocks: a damaged header may declare any number of frames.
    private static func readSamples(_ handle: OpaquePointer, channels: Int, named name: String, most: Int) throws -> [Float] {
        var samples: [Float] = []
        let blockFrames = max(1, 65_536 / channels)
        var block = [Float](repeating: 0, count: blockFrames * channels)
        while true {
            let read = Int(sf_readf_float(handle, &block, sf_count_t(blockFrames)))
            guard read > 0 else { return samples }
            guard samples.count + read * channels <= most else {
                throw AudioError.tooLong(name: name, limitSamples: most)
            }
            samples.append(contentsOf: block[..<(read * channels)])
        }
    }
}
