import Synchronization

/// Received messages that have not been handled yet: only a few, since reading stops when there are many.
final class WebSocketInbox: Sendable {
    enum Item: Sendable, Hashable {
        case text(String)
        case binary([UInt8])
        /// The server stops: open work is completed, and no new work begins.
        case stopping

        fileprivate var bytes: Int {
            switch self {
            case .text(let text): text.utf8.count
            case .binary(let bytes): bytes.count
            case .stopping: 0
            }
        }
    }

    private struct State {
        var items: [Item] = []
        var bytes = 0
        var isEnded = false
        var reader: CheckedContinuation<Item?, Never>?
        /// Whether reading from the network has been paused.
        var holdsReading = false
    }

    private static let (most, mostBytes) = (64, 256 << 10)

    private let state = Mutex(State())
    /// Called when there is room again after reading was paused.
    private let onRoom: Mutex<@Sendable () -> Void> = Mutex {}

    func whenRoom(_ then: @escaping @Sendable () -> Void) { onRoom.withLock { $0 = then } }

    func add(_ item: Item) {
        let reader = state.withLock { state -> CheckedContinuation<Item?, Never>? in
            guard !state.isEnded else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.items.append(item)
            state.bytes += item.bytes
            return nil
        }
        reader?.resume(returning: item)
    }

    /// No further messages will arrive.
    func end() {
        let reader = state.withLock { state in
            state.isEnded = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(returning: nil)
    }

    /// Whether reading must pause because too many messages wait; ``whenRoom(_:)`` reports when it can continue.
    func holdsReading() -> Bool {
        state.withLock { state in
            state.holdsReading = state.items.count >= Self.most || state.bytes >= Self.mostBytes
            return state.holdsReading
        }
    }

    /// The next message; nil after the last, or if the task is cancelled.
    func next() async -> Item? {
        let (item, hasRoom) = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Item?, Never>) in
                let known: Item?? = state.withLock { state in
                    if !state.items.isEmpty {
                        let item = state.items.removeFirst()
                        state.bytes -= item.bytes
                        return .some(item)
                    }
                    if state.isEnded || Task.isCancelled { return .some(nil) }
                    state.reader = continuation
                    return nil
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            end()
        }.withRoom(in: self)
        if hasRoom { onRoom.withLock(\.self)() }
        return item
    }

    fileprivate func takesReading() -> Bool {
        state.withLock { state in
            guard state.holdsReading, state.items.count < Self.most / 2, state.bytes < Self.mostBytes / 2 else { return false }
            state.holdsReading = false
            return true
        }
    }
}

extension WebSocketInbox.Item? {
    fileprivate func withRoom(in inbox: WebSocketInbox) -> (WebSocketInbox.Item?, Bool) { (self, inbox.takesReading()) }
}
