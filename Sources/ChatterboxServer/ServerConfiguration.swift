import Chatterbox
import Foundation
import SpeechAudio

/// How a server serves.
public struct ServerConfiguration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// 0 takes a free one.
    public var port = 8080
    /// The port of the Wyoming protocol, which has no keys; 0 takes a free one, nil does not serve it.
    public var wyomingPort: Int?
    /// The folder of voices, which clients may add to.
    public var voices: URL
    /// What names of voices mean, as OpenAI's; those that mean nothing else mean the default voice.
    public var voiceAliases: [String: String] = [:]
    /// The voice of those who want none in particular; nil for the model's own.
    public var defaultVoice: String?
    /// The folder of adapters, which clients may add to; nil for none.
    public var adapters: URL?
    /// Hears the draws of a text where a request asks for it by its name; nil for none.
    public var judge: (any SpeechJudge)?
    /// The keys that clients must show; none lets everybody in.
    public var keys = Keyring.none
    /// Whether lists of models and voices need no key.
    public var publicLists = false
    /// The origin whose pages may ask, as `https://example.org`, or `*`; nil lets no page.
    public var allowedOrigin: String?
    /// Names by which a server without keys that only this machine reaches may be asked, beside localhost: of a proxy before it.
    public var hostNames: Set<String> = []
    /// A certificate chain and its key, both PEM.
    public var certificate: (chain: URL, key: URL)?
    /// Whether unknown fields are refused instead of ignored.
    public var isStrict = false
    /// Whether speech carries the watermark, where the model can.
    public var watermark = true

    /// Requests that are spoken at once.
    public var places = 8
    /// Requests that may wait for a place.
    public var queueLength = 64
    /// The longest that a request may be expected to wait for its first sound, in seconds: beyond it, it is refused at once.
    public var patience = 5.0
    /// Requests a minute, and at once, for each key, or each address where there are no keys.
    public var requestsPerMinute: Int?
    public var requestsAtOnce: Int?
    /// The most characters of a text.
    public var characterLimit = 100_000
    /// The most bytes of a recording.
    public var uploadLimit = 10 << 20
    /// The most bytes of an adapter.
    public var adapterLimit = 256 << 20
    /// Seconds that a client may take nothing of its answer.
    public var readerPatience = 30.0
    /// Seconds that a client may take to send the body of its request.
    public var senderPatience = 60.0
    /// Seconds that a connection may be silent between requests, or take to send one's header; likewise between the messages of a WebSocket
    /// or of the Wyoming protocol while nothing is spoken.
    public var connectionTimeout = 60.0
    /// Seconds after which a WebSocket's client is asked whether it is there; within as many it must have sent something.
    public var pingInterval = 20.0
    /// Seconds that a server which is stopped still takes requests, while `/ready` says that it stops: as long as load balancers need to
    /// see that.
    public var drain = 0.0
    /// Seconds that open responses then have to end.
    public var stopDeadline = 30.0
    /// Bytes of the machine's memory that loaded models, and those that rest there, may take together; nil sets no limit.
    public var memory: Int?
    /// Bytes of GPUs' memory that loaded models may take together; nil sets no limit.
    public var gpuMemory: Int?
    /// Seconds after which a model that nobody uses is unloaded; nil lets it stay.
    public var idleTimeout: Double?
    /// Whether models that leave a GPU rest in page-locked memory of the host, as far as ``memory`` allows.
    public var restsOnHost = true
    /// Connections that may be open at once, each of which is an open file; others wait to be taken. nil sets no limit.
    public var connectionLimit: Int?
    /// Whether texts are logged.
    public var logsTexts = false
    /// Decodes recordings that libsndfile does not.
    public var ffmpeg: FFmpeg?

    public init(voices: URL) { self.voices = voices }

    /// Whether only this machine reaches the server.
    public var isLocal: Bool { Self.localNames.contains(host) }

    static let localNames: Set = ["127.0.0.1", "::1", "localhost"]

    /// The most seconds of a recording.
    static let longestRecording = 300.0
    /// The most samples of a recording over all its channels, whatever its bytes: as many as the longest has in stereo at 48 kHz.
    var recordingLimit: Int { Int(Self.longestRecording) * 48_000 * 2 }

    /// The most bytes of a request for speech: every character may be written as an escape.
    var bodyLimit: Int { (64 << 10) + characterLimit * 12 }

    /// The judge that an order names.
    ///
    /// - Throws: ``APIError`` where there is none of that name.
    func judge(named name: String?) throws -> (any SpeechJudge)? {
        guard let name else { return nil }
        guard let judge else {
            throw APIError.invalid("this server has no judge; it is started with --judge moonshine for one", "judge", code: "no_judge")
        }
        guard judge.name == name else { throw APIError.invalid("judge is \(name); this server has \(judge.name)", "judge", code: "no_judge") }
        return judge
    }
}
