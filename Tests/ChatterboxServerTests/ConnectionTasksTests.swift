import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing

@testable import ChatterboxServer

@Suite("The tasks of connections") struct ConnectionTasksTests {
    /// Connections that are open until they are closed, or their task is cancelled.
    private final class Doors: Sendable {
        let closed = Mutex(0), cut = Mutex(0)
        private let (opened, opening) = AsyncStream<Void>.makeStream()
        private let closings = Mutex<[AsyncStream<Void>.Continuation]>([])

        /// Adds so many connections, and waits until they are open.
        func open(_ count: Int, in connections: ConnectionTasks) async {
            for _ in 0..<count {
                let (closing, close) = AsyncStream<Void>.makeStream()
                closings.withLock { $0.append(close) }
                connections.add { [self] in
                    opening.yield()
                    for await _ in closing {}
                    if Task.isCancelled { cut.withLock { $0 += 1 } } else { closed.withLock { $0 += 1 } }
                }
            }
            var open = opened.makeAsyncIterator()
            for _ in 0..<count { await open.next() }
        }

        func close() { closings.withLock { for closing in $0 { closing.finish() } } }
    }

    @Test("a server that is stopped waits until every connection is closed") func waiting() async {
        let connections = ConnectionTasks(), doors = Doors()
        await doors.open(3, in: connections)
        await testGracefulShutdown { trigger in
            async let stopped: Void = connections.run()
            trigger.triggerGracefulShutdown()
            #expect(doors.closed.withLock(\.self) == 0)
            doors.close()
            await stopped
        }
        #expect(doors.closed.withLock(\.self) == 3 && doors.cut.withLock(\.self) == 0)
    }

    @Test("after the time limit for stopping, open connections are closed") func cutting() async {
        let connections = ConnectionTasks(), doors = Doors()
        await doors.open(3, in: connections)
        let service = Task { await connections.run() }
        service.cancel()
        await service.value
        #expect(doors.cut.withLock(\.self) == 3)
    }

    @Test("a server whose connections are all closed stops at once") func none() async {
        let connections = ConnectionTasks(), doors = Doors()
        await doors.open(2, in: connections)
        doors.close()
        await testGracefulShutdown { trigger in
            trigger.triggerGracefulShutdown()
            await connections.run()
        }
        #expect(doors.closed.withLock(\.self) == 2)
    }
}
