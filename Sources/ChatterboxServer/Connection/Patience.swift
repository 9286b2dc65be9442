import Dispatch
import NIOCore

/// Closes the connection of a client that makes the server wait too long, so that its place becomes free.
struct Patience: Sendable {
    private let channel: any Channel
    private let limit: TimeAmount

    /// - Parameter seconds: how long one step may wait for the client.
    init(_ channel: any Channel, seconds: Double) { (self.channel, limit) = (channel, .milliseconds(Int64(seconds * 1000))) }

    /// Waits for the client, which receives a piece of its response or sends its request.
    ///
    /// - Throws: errors of the step, also those caused by closing the connection.
    func waiting<Value>(for step: () async throws -> Value) async throws -> Value {
        let cut = channel.eventLoop.scheduleTask(in: limit) { [channel] in channel.close(promise: nil) }
        defer { cut.cancel() }
        return try await step()
    }
}

/// Blocking work (reading files, decoding sound) on threads other than those that Swift shares among all tasks.
enum Blocking {
    static func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .userInitiated).async { continuation.resume(with: Result { try work() }) }
        }
    }
}
