import Dispatch
import NIOCore

/// Cuts the connection of a client that lets the server wait too long, so that it frees its place.
struct Patience: Sendable {
    private let channel: any Channel
    private let limit: TimeAmount

    /// - Parameter seconds: how long one step may wait for the client.
    init(_ channel: any Channel, seconds: Double) { (self.channel, limit) = (channel, .milliseconds(Int64(seconds * 1000))) }

    /// Waits for the client: to take a piece of its answer, to send its request.
    ///
    /// - Throws: what the step throws, also after the connection was cut.
    func waiting<Value>(for step: () async throws -> Value) async throws -> Value {
        let cut = channel.eventLoop.scheduleTask(in: limit) { [channel] in channel.close(promise: nil) }
        defer { cut.cancel() }
        return try await step()
    }
}

/// Work that blocks, reading files and decoding sound, apart from the threads that Swift shares among all tasks.
enum Blocking {
    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .userInitiated).async { continuation.resume(with: Result { try work() }) }
        }
    }
}
