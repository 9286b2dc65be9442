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
