import Chatterbox
import Foundation
import SpeechAudio

/// The configuration of a server.
public struct ServerConfiguration: Sendable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port; 0 chooses a free one.
    public var port = 8080
    /// The port of the Wyoming protocol, which has no keys; 0 chooses a free one; with nil the protocol is not served.
    public var wyomingPort: Int?
    /// The folder of voices, which clients may add to.
    public var voices: URL
    /// The voices that further names, such as OpenAI's, mean. OpenAI's names that are not given mean the default voice.
    public var voiceAliases: [String: String] = [:]
    /// The voice for requests that name none; nil for the model's own.
    public var defaultVoice: String?
    /// The folder of adapters, to which clients may add; nil for none.
    public var adapters: URL?
    /// The recogniser that compares takes, for requests that name it; nil for none.
    public var judge: (any SpeechJudge)?
    /// The API keys, one of which each client must send; without keys none is needed.
    public var keys = Keyring.none
    /// Whether lists of models and voices need no key.
    public var publicLists = false
    /// The origin whose web pages may send requests, such as `https://example.org`, or `*`; nil allows none.
    public var allowedOrigin: String?
    /// Host names, such as a proxy's, that a server without keys on a loopback address accepts in requests besides localhost.
    public var hostNames: Set<String> = []
    /// A certificate chain and its key, both PEM.
    public var certificate: (chain: URL, key: URL)?
    /// Whether unknown fields are refused instead of ignored.
    public var isStrict = false
    /// Whether the watermark is added, if the model can add it.
    public var watermark = true

    /// Number of requests that are spoken at the same time.
    public var places = 8
    /// Number of requests that may wait for a place.
    public var queueLength = 64
    /// The longest expected time to first sound of a request, in seconds; a request with a longer one is refused immediately.
    public var patience = 5.0
    /// Limits of requests a minute, and of simultaneous requests, for each key, or without keys for each address.
    public var requestsPerMinute: Int?
    public var requestsAtOnce: Int?
    /// The largest number of characters of a text.
    public var characterLimit = 100_000
    /// The largest size of a recording in bytes.
    public var uploadLimit = 10 << 20
    /// The largest size of an adapter in bytes.
    public var adapterLimit = 256 << 20
    /// Seconds that a client may stop reading its response.
    public var readerPatience = 30.0
    /// Seconds that a client may take to send the body of its request.
    public var senderPatience = 60.0
    /// Seconds that a connection may be silent between requests, or take to send one's header; likewise between the messages of a WebSocket
    /// or of the Wyoming protocol while nothing is spoken.
    public var connectionTimeout = 60.0
    /// Seconds after which a WebSocket's client gets a ping; it must answer within the same time.
    public var pingInterval = 20.0
    /// Seconds after the request to stop during which requests are still accepted while `/ready` answers 503, so that load balancers can
    /// react.
    public var drain = 0.0
    /// Seconds that open responses may continue after that.
    public var stopDeadline = 30.0
    /// Limit of main memory in bytes for all models that are loaded or kept there; nil sets no limit.
    public var memory: Int?
    /// Limit of GPU memory in bytes for all loaded models; nil sets no limit.
    public var gpuMemory: Int?
    /// Seconds after which an unused model is unloaded; nil keeps it loaded.
    public var idleTimeout: Double?
    /// Whether models that are unloaded from a GPU are kept in page-locked host memory, as far as ``memory`` allows.
    public var restsOnHost = true
    /// Limit of open connections, each of which is an open file; others wait to be accepted. nil sets no limit.
    public var connectionLimit: Int?
    /// Whether texts are logged.
    public var logsTexts = false
    /// Decodes recordings that libsndfile cannot read.
    public var ffmpeg: FFmpeg?

    public init(voices: URL) { self.voices = voices }

    /// Whether only this machine reaches the server.
    public var isLocal: Bool { Self.localNames.contains(host) }

    static let localNames: Set = ["127.0.0.1", "::1", "localhost"]

    /// The longest recording in seconds.
    static let longestRecording = 300.0
    /// The largest number of samples of a recording in all channels, whatever its size in bytes: that of the longest recording in stereo at 48 kHz.
    var recordingLimit: Int { Int(Self.longestRecording) * 48_000 * 2 }

    /// The largest size of a request for speech in bytes: every character may be written as an escape.
    var bodyLimit: Int { (64 << 10) + characterLimit * 12 }

    /// The judge that a request names.
    ///
    /// - Throws: ``APIError`` if there is no judge of that name.
    func judge(named name: String?) throws -> (any SpeechJudge)? {
        guard let name else { return nil }
        guard let judge else {
            throw APIError.invalid("this server has no judge; it is started with --judge moonshine for one", "judge", code: "no_judge")
        }
        guard judge.name == name else { throw APIError.invalid("judge is \(name); this server has \(judge.name)", "judge", code: "no_judge") }
        return judge
    }
}
