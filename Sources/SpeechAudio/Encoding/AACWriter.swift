import CVoAACEnc
import Foundation

/// AAC-LC in ADTS frames, by VisualOn's encoder.
final class AACWriter: SampleWriter {
    /// Samples of one channel in a frame.
    static let frame = 1024
    /// Bits per second and channel; low sample rates use fewer.
    private static let bitRate = 64_000
    /// Frames of silence at the end, after which the encoder has returned all sound.
    private static let delay = 2
    /// The encoder's parameters (`VO_PID_AAC_ENCPARAM`, a macro that Swift does not import).
    private static let parameters = 0x4221_1040

    private let channels: Int
    private let store: any ByteStore
    private var codec = VO_AUDIO_CODECAPI()
    /// The encoder stores this address.
    private let memory = UnsafeMutablePointer<VO_MEM_OPERATOR>.allocate(capacity: 1)
    private var handle: VO_HANDLE?
    /// Samples that do not fill a frame yet.
    private var pending: [Int16] = []

    /// - Throws: ``AudioError/notEncodable(format:reason:)``.
    init(rate: Int, channels: Int, into store: any ByteStore) throws {
        guard channels <= 2 else { throw AudioError.notEncodable(format: .aac, reason: "it holds one channel or two, not \(channels)") }
        (self.channels, self.store) = (channels, store)
        var parameters = AACENC_PARAM(
            sampleRate: Int32(rate), bitRate: Int32(min(Self.bitRate, rate * 8 / 3) * channels), nChannels: Int16(channels), adtsUsed: 1)
        guard voGetAACEncAPI(&codec) == 0 else { throw AudioError.notEncodable(format: .aac, reason: "no encoder") }
        memory.initialize(
            to: VO_MEM_OPERATOR(
                Alloc: cmnMemAlloc, Free: cmnMemFree, Set: cmnMemSet, Copy: cmnMemCopy, Check: cmnMemCheck, Compare: cmnMemCompare, Move: cmnMemMove))
        var user = VO_CODEC_INIT_USERDATA(memflag: VO_IMF_USERMEMOPERATOR, memData: memory, reserved1: 0, reserved2: 0)
        guard codec.Init(&handle, VO_AUDIO_CodingAAC, &user) == 0, codec.SetParam(handle, Self.parameters, &parameters) == 0 else {
            throw AudioError.notEncodable(format: .aac, reason: "\(channels) channels at \(rate) Hz")
        }
    }

    deinit {
        if let handle { _ = codec.Uninit(handle) }
        memory.deallocate()
    }

    func write(_ samples: [Float]) throws {
        pending += WholeNumbers.int16(samples)
        let whole = pending.count / (Self.frame * channels) * Self.frame * channels
        for start in stride(from: 0, to: whole, by: Self.frame * channels) { try encode(pending[start..<start + Self.frame * channels]) }
        pending.removeFirst(whole)
    }

    func finish() throws {
        let frame = Self.frame * channels
        let rest = pending.count + Self.delay * frame
        pending += [Int16](repeating: 0, count: (rest + frame - 1) / frame * frame - pending.count)
        try write([])
    }

    private func encode(_ frame: ArraySlice<Int16>) throws {
        var samples = Array(frame), bytes = [UInt8](repeating: 0, count: 2048 * channels)
        let capacity = bytes.count
        let (status, count) = samples.withUnsafeMutableBytes { input in
            bytes.withUnsafeMutableBytes { output in
                var source = VO_CODECBUFFER(), target = VO_CODECBUFFER(), info = VO_AUDIO_OUTPUTINFO()
                (source.Buffer, source.Length) = (input.bindMemory(to: UInt8.self).baseAddress, VO_U32(input.count))
                (target.Buffer, target.Length) = (output.bindMemory(to: UInt8.self).baseAddress, VO_U32(capacity))
                _ = codec.SetInputData(handle, &source)
                return (codec.GetOutputData(handle, &target, &info), Int(target.Length))
            }
        }
        guard status == 0 else { throw AudioError.notEncodable(format: .aac, reason: "the encoder's error \(String(status, radix: 16))") }
        try store.append(bytes[..<count], of: .aac)
    }
}
