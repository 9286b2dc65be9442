import Chatterbox
import Foundation
import Logging
import Synchronization

/// A speech server for programs that use tools through the Model Context Protocol: JSON-RPC messages, one on each line.
///
/// ```swift
/// await MCPServer(configuration, [offer], folder: folder).run(reading: lines) { print($0) }
/// ```
public final class MCPServer: Sendable {
    /// The supported versions of the protocol, the newest first.
    static let versions = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"]

    private let state: ServerState
    private let tools: MCPTools
    /// The running calls, by their identifiers.
    private let calls = Mutex<[JSON: Task<Void, Never>]>([:])

    /// The largest number of simultaneous calls.
    private static let most = 16

    /// - Parameters:
    ///   - configuration: options of speaking; options of connections are not used.
    ///   - offers: the models, at least one; the first is the default.
    ///   - folder: the only folder in which files are written.
    ///   - engine: runs the requests of all models.
    public init(_ configuration: ServerConfiguration, _ offers: [ModelOffering], folder: URL, engine: SpeechEngine? = nil) {
        state = ServerState(configuration, offers, engine: engine)
        tools = MCPTools(state: state, folder: folder)
    }

    /// Answers messages until the input ends and all messages are answered.
    ///
    /// - Parameters:
    ///   - lines: the input, one message in each line.
    ///   - write: sends a line; calls do not overlap.
    public func run(reading lines: AsyncStream<String>, write: @escaping @Sendable (String) -> Void) async {
        let lock = Mutex(())
        let send: @Sendable (JSON) -> Void = { message in lock.withLock { _ in write(message.text) } }
        for await line in lines where !line.allSatisfy(\.isWhitespace) { take(line, send) }
        for call in calls.withLock({ Array($0.values) }) { await call.value }
    }

    private func take(_ line: String, _ send: @escaping @Sendable (JSON) -> Void) {
        let json: JSON
        do { json = try JSON(parsing: Data(line.utf8)) } catch { return send(RPCError(.parse, "this is not JSON: \(error)").answer(to: nil)) }
        // Older versions of the protocol allow several messages at once.
        guard case .array(let several) = json else { return take(json, send) }
        guard !several.isEmpty else { return send(RPCError(.invalidRequest, "an array of no messages").answer(to: nil)) }
        for json in several { take(json, send) }
    }

    private func take(_ json: JSON, _ send: @escaping @Sendable (JSON) -> Void) {
        do {
            guard let message = try RPCMessage(json) else { return }
            guard let id = message.id else { return notice(message) }
            switch message.method {
            case "tools/call": try begin(message, id, send)
            default: send(["jsonrpc": "2.0", "id": id, "result": try answer(message)])
            }
        } catch let error as RPCError { send(error.answer(to: json["id"])) } catch { send(RPCError(.failed, "\(error)").answer(to: json["id"])) }
    }

    private func answer(_ message: RPCMessage) throws -> JSON {
        var parameters = message.parameters
        switch message.method {
        case "initialize":
            let wanted = try? parameters.string("protocolVersion")
            return [
                "protocolVersion": .string(Self.versions.first { $0 == wanted } ?? Self.versions[0]),
                "capabilities": ["tools": ["listChanged": false]],
                "serverInfo": ["name": "chatterbox", "title": "Chatterbox", "version": .string(Release.version)],
                "instructions": "speak speaks a text into a file, or returns its sound in the answer; list_voices lists the voices.",
            ]
        case "ping": return [:]
        case "tools/list": return ["tools": .array(tools.list)]
        default: throw RPCError(.unknownMethod, "there is no method \(message.method)")
        }
    }

    private func notice(_ message: RPCMessage) {
        var parameters = message.parameters
        guard message.method == "notifications/cancelled", let id = parameters.value("requestId") else { return }
        calls.withLock { $0[id] }?.cancel()
    }

    private func begin(_ message: RPCMessage, _ id: JSON, _ send: @escaping @Sendable (JSON) -> Void) throws {
        var parameters = message.parameters
        guard let name = try? parameters.string("name"), let call = tools.call(name) else {
            throw RPCError(.invalidParameters, "there is no such tool; there are \(tools.names.joined(separator: ", "))")
        }
        guard let arguments = try? parameters.object("arguments"), var meta = try? parameters.object("_meta") else {
            throw RPCError(.invalidParameters, "arguments must be an object")
        }
        let token = meta.value("progressToken")
        try calls.withLock { calls in
            guard calls[id] == nil else { throw RPCError(.invalidRequest, "a call with this id is being answered") }
            guard calls.count < Self.most else { throw RPCError(.failed, "\(Self.most) calls are being answered; wait for one") }
            calls[id] = Task {
                let progress: @Sendable (Double, String) -> Void = { seconds, text in
                    guard let token else { return }
                    let parameters: JSON = ["progressToken": token, "progress": .number(seconds), "message": .string(text)]
                    send(["jsonrpc": "2.0", "method": "notifications/progress", "params": parameters])
                }
                let result: JSON?
                do { result = try await call(arguments, progress) } catch {
                    // A cancelled call gets no response.
                    result = Task.isCancelled ? nil : ["content": [["type": "text", "text": .string(APIError(error).message)]], "isError": true]
                }
                if let result { send(["jsonrpc": "2.0", "id": id, "result": result]) }
                self.calls.withLock { $0[id] = nil }
            }
        }
    }
}
