import Chatterbox
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import ServiceLifecycle

/// A speech server over HTTP with OpenAI's API.
///
/// ```swift
/// let offer = ModelOffering(name: "turbo") { try await Synthesizer.load(folder) }
/// try await SpeechServer(ServerConfiguration(voices: voices), [offer]).run { print("http://127.0.0.1:\($0)") }
/// ```
public struct SpeechServer: Sendable {
    let state: ServerState
    private let logger: Logger

    /// - Parameters:
    ///   - configuration: the server's configuration.
    ///   - offers: the models, at least one; the first is the default.
    ///   - engine: the engine of all models, for metrics.
    ///   - logger: logs responses and failures.
    public init(
        _ configuration: ServerConfiguration, _ offers: [ModelOffering], engine: SpeechEngine? = nil, logger: Logger = Logger(label: "chatterbox")
    ) {
        state = ServerState(configuration, offers, engine: engine)
        self.logger = logger
    }

    /// A server with a given state, for tests that inspect it.
    init(_ state: ServerState, logger: Logger = Logger(label: "chatterbox")) { (self.state, self.logger) = (state, logger) }

    /// The loaded models that cannot add the watermark.
    public var unmarkedModels: [String] { state.models.entries.filter { $0.marksSpeech == false }.map(\.offer.name) }

    /// Loads the first model, and those that are pinned, and lets the first speak twice, so that the first request does not wait for one-time work,
    /// and the time to first sound is known. Then `/ready` answers 200. This can run while the server runs: requests wait for the model.
    ///
    /// - Throws: errors of loading.
    public func warmUp() async throws {
        let lease = try await state.models.lease(state.models.offers[0])
        for offer in state.models.offers.dropFirst() where offer.isPinned { _ = try await state.models.lease(offer) }
        do {
            let voice = try await state.voices.voice("default", for: lease)
            try await speak("Ready.", voice, lease, place: nil)
            // If no place is free, the requests that occupy the places provide the measurement.
            let text = "The server is ready."
            try await speak(text, voice, lease, place: try? await state.queue.enter(characters: text.count))
        } catch let error as APIError {
            // A model without a built-in voice can speak only after a voice has been added.
            guard error.parameter == "voice" else { throw error }
        }
        state.becomeReady()
    }

    /// Speaks a text and discards the sound.
    private func speak(_ text: String, _ voice: Voice?, _ lease: ModelLease, place: Place?) async throws {
        let order = try SpeechOrder(warmingUp: lease.name, text)
        let speech = try OpenSpeech(
            order, voice: voice, lease: lease, places: [place].compactMap(\.self), configuration: state.configuration, logger: logger)
        while try await speech.next() != nil {}
    }

    /// Serves until the task is cancelled. Then, after the drain time, it accepts no more requests, lets open requests end within the deadline, and
    /// returns.
    ///
    /// - Parameter onRunning: called with the port when the server listens.
    /// - Throws: ``StartError`` if it cannot listen on the address, or a certificate cannot be used.
    public func run(onRunning: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        try await run(onRunning: onRunning, onWyomingRunning: { _ in })
    }

    /// The same, and reports the port of the Wyoming protocol as well.
    ///
    /// - Parameters:
    ///   - onRunning: called with the port when the server listens.
    ///   - onWyomingRunning: called with the port of the Wyoming protocol, if it is served.
    public func run(onRunning: @escaping @Sendable (Int) -> Void, onWyomingRunning: @escaping @Sendable (Int) -> Void) async throws {
        let connections = ConnectionTasks()
        let host = state.configuration.host
        let application = HTTPService(base: try application(connections, onRunning: onRunning), host: host, port: state.configuration.port)
        // Services are stopped in reverse order: connections end after no more are accepted.
        var wyoming: WyomingServer?
        if let port = state.configuration.wyomingPort {
            wyoming = try await WyomingServer(state: state, port: port, logger: logger, onRunning: onWyomingRunning)
        }
        let services: [any Service] = [connections, application, Housekeeping(state: state)] + [wyoming].compactMap(\.self)
        var configuration = ServiceGroupConfiguration(services: services, logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(state.configuration.stopDeadline)
        let group = ServiceGroup(configuration: configuration)
        // The group ends after its own shutdown, not with the task that waits for it.
        let service = Task { try await group.run() }
        try await withTaskCancellationHandler {
            do { try await service.value } catch is CancellationError {}
        } onCancel: { [state] in
            state.beginToStop()
            Task {
                try? await Task.sleep(for: .seconds(state.configuration.drain))
                await group.triggerGracefulShutdown()
            }
        }
    }

    /// The application, with the owner of its connections' tasks.
    private func application(_ connections: ConnectionTasks, onRunning: @escaping @Sendable (Int) -> Void) throws -> some ApplicationProtocol {
        let configuration = state.configuration
        let connection = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                FinalWrites(patience: configuration.stopDeadline), UnreadBody(), RefusedUpgrade(), UnreadableRequest(),
                ConnectionWatch { [state] in state.countEnding() },
            ],
            idleTimeout: .milliseconds(Int64(configuration.connectionTimeout * 1000)),
            httpDecoderConfiguration: .init(maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))
        let certificate = try configuration.certificate.map { pair in
            do { return try CertificateFiles(chain: pair.chain, key: pair.key, logger: logger).configuration } catch {
                throw StartError(chain: pair.chain, key: pair.key)
            }
        }
        return Application(
            router: router(),
            server: HTTPServerBuilder { responder in
                let channel = SwitchableChannel(base: HTTP1Channel(responder: responder, configuration: connection)) {
                    WebSocketSwitch(pingInterval: configuration.pingInterval, messageLimit: configuration.bodyLimit)
                }
                guard let certificate else { return SeparateChannel(base: channel, connections: connections) }
                return SeparateChannel(base: try TLSChannel(channel, tlsConfiguration: certificate), connections: connections)
            },
            configuration: .init(
                address: .hostname(configuration.host, port: configuration.port), serverName: nil, backlog: 1024,
                availableConnectionsDelegate: configuration.connectionLimit.map { MaximumAvailableConnections($0) }),
            onServerRunning: { channel in onRunning(channel.localAddress?.port ?? configuration.port) }, logger: logger)
    }

    /// All routes, each with and without `/v1`, behind the middleware for all requests.
    func router() -> Router<ServerContext> {
        let router = Router(context: ServerContext.self)
        if let origin = state.configuration.allowedOrigin {
            router.add(middleware: CrossOriginMiddleware(origin: origin))
        }
        router.add(middleware: AnswerMiddleware(state: state))
        router.add(middleware: OriginMiddleware(configuration: state.configuration))
        router.add(middleware: KeyMiddleware(keys: state.configuration.keys, publicLists: state.configuration.publicLists))
        router.add(middleware: ContinueMiddleware())
        PageRoutes().add(to: router)
        HealthRoutes(state: state).add(to: router)
        SpeechRoutes(state: state).add(to: router)
        ElevenLabsRoutes(state: state).add(to: router)
        ElevenLabsSocketRoutes(state: state).add(to: router)
        SpeechSocketRoutes(state: state).add(to: router)
        ModelRoutes(state: state).add(to: router)
        VoiceRoutes(state: state).add(to: router)
        AdapterRoutes(state: state).add(to: router)
        ConversionRoutes(state: state).add(to: router)
        return router
    }
}

extension Request {
    /// The path without `/v1`: all routes are served with and without it.
    var pathWithoutVersion: String { uri.path.hasPrefix("/v1/") ? String(uri.path.dropFirst(3)) : uri.path }
}

extension HTTPRequest.Method {
    /// The methods that routes handle; no route allows any other.
    static let routed: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace]
}

extension Router {
    /// Adds a path with its handlers by method, with and without `/v1`; other methods get status 405.
    func route(
        _ path: String, _ handlers: [HTTPRequest.Method: @Sendable (Request, Context) async throws -> Response]
    ) {
        let allowed = handlers.keys.map(\.rawValue).sorted().joined(separator: ", ")
        for path in [path, "/v1" + path] {
            for method in HTTPRequest.Method.routed {
                on(RouterPath(path), method: method) { request, context in
                    guard let handler = handlers[method] ?? (method == .head ? handlers[.get] : nil) else {
                        throw APIError(
                            .methodNotAllowed, "\(path) takes \(allowed), not \(method.rawValue)", code: "method_not_allowed",
                            headers: [.allow: allowed])
                    }
                    return try await handler(request, context)
                }
            }
        }
    }
}

extension Response {
    /// A JSON response.
    init(_ json: JSON, status: HTTPResponse.Status = .ok, warnings: [String] = []) {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers.append(warnings: warnings)
        self.init(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSON.bytes(json))))
    }
}
