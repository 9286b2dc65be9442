import CKernels
import Foundation
import Kernels
import Synchronization
import Testing

@Suite("ThreadTeam")
struct ThreadTeamTests {
    private final class Counter: Sendable {
        let value = Atomic(0)
        var count: Int { value.load(ordering: .relaxed) }
        func countOn() { value.add(1, ordering: .relaxed) }
    }

    /// How often each task was executed, and errors.
    private final class Board: Sendable {
        let visits: [Counter]
        let faults = Counter()

        init(_ count: Int) { visits = (0..<count).map { _ in Counter() } }
    }

    private final class Step: Sendable {
        let board: Board
        let number: Int

        init(_ board: Board, number: Int) { (self.board, self.number) = (board, number) }
    }

    /// Runs from several threads are executed one after the other.
    private struct SharedTeam: @unchecked Sendable {
        let handle: OpaquePointer
    }

    private func phase<Context: AnyObject>(
        _ context: Context, pieces: Int, _ work: @escaping @convention(c) (UnsafeMutablePointer<ck_member>?, UnsafeRawPointer?, Int) -> Void
    ) -> ck_phase {
        ck_phase(work: work, context: Unmanaged.passUnretained(context).toOpaque(), pieces: pieces)
    }

    @Test("each task of each phase is executed once, and no phase begins before the previous one is complete", arguments: [1, 2, 3, 5])
    func phases(threads: Int) throws {
        let team = try #require(ck_team_create(Int32(threads), nil))
        defer { ck_team_destroy(team) }
        let shared = SharedTeam(handle: team)
        // Two calling threads, whose runs are executed one after the other.
        DispatchQueue.concurrentPerform(iterations: 2) { caller in
            for round in 0..<50 {
                let board = Board(1 + (round * 7 + caller * 3) % 23)
                // In phase n every task finds n visits at its position.
                let steps = (0..<20).map { Step(board, number: $0) }
                let phases = steps.map {
                    phase($0, pieces: board.visits.count) { _, context, piece in
                        let step = Unmanaged<Step>.fromOpaque(context!).takeUnretainedValue()
                        let visits = step.board.visits, beside = visits[(piece + 1) % visits.count].count
                        // The neighbour's task of this phase may already be complete.
                        if visits[piece].count != step.number || beside < step.number || beside > step.number + 1 { step.board.faults.countOn() }
                        visits[piece].countOn()
                    }
                }
                // Phases without tasks are skipped, at the end too.
                let empty = ck_phase(work: { _, _, _ in fatalError("there is no piece") }, context: nil, pieces: 0)
                withExtendedLifetime(steps) { ck_team_run(shared.handle, [empty] + phases + [empty, empty], 23) }
                #expect(board.faults.count == 0)
                #expect(board.visits.allSatisfy { $0.count == 20 })
            }
        }
    }

    @Test("a worker that the system has interrupted delays no other") func stoppedWorker() throws {
        let handle = try #require(ck_team_create(2, nil))
        defer { ck_team_destroy(handle) }
        let team = SharedTeam(handle: handle)
        let meeting = Meeting(), counter = Counter()
        let together = phase(meeting, pieces: 2) { member, context, _ in
            Unmanaged<Meeting>.fromOpaque(context!).takeUnretainedValue().meet(member!.pointee.index)
        }
        withExtendedLifetime(meeting) { ck_team_run(team.handle, [together], 1) }
        let stop = try ThreadStop(#require(meeting.worker.withLock { $0 }))
        let end = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            let counting = phase(counter, pieces: 8) { _, context, _ in
                Unmanaged<Counter>.fromOpaque(context!).takeUnretainedValue().countOn()
            }
            withExtendedLifetime(counter) {
                for _ in 0..<20 { ck_team_run(team.handle, Array(repeating: counting, count: 50), 50) }
            }
            end.signal()
        }
        #expect(end.wait(timeout: .now() + 30) == .success, "a thousand phases without the worker")
        #expect(counter.count == 20 * 50 * 8)
        stop.end()
        // When the system runs the worker again, it takes part.
        meeting.open()
        withExtendedLifetime(meeting) { ck_team_run(team.handle, [together], 1) }
    }

    /// Two members wait here for each other, so that each executes one of two tasks.
    private final class Meeting: Sendable {
        let count = Atomic(0)
        let worker = Mutex<pthread_t?>(nil)

        func open() { count.store(0, ordering: .releasing) }

        func meet(_ index: Int32) {
            if index == 1 {
                ThreadStop.allow()
                worker.withLock { $0 = pthread_self() }
            }
            count.add(1, ordering: .acquiringAndReleasing)
            while count.load(ordering: .acquiring) < 2 { sched_yield() }
        }
    }
}

/// Stops a thread of this process at any point, like a scheduler that gives its processor to another.
private struct ThreadStop {
    // Ends of pipes for the signal's handler: the thread reports that it has stopped, and waits until it may continue.
    nonisolated(unsafe) private static var stands: Int32 = -1
    nonisolated(unsafe) private static var goesOn: Int32 = -1

    private let tellOn: Int32

    /// Allows the calling thread to be stopped: threads of Dispatch, and those that they start, block signals.
    static func allow() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGUSR2)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    init(_ thread: pthread_t) throws {
        var standing: [Int32] = [0, 0], going: [Int32] = [0, 0]
        try #require(pipe(&standing) == 0 && pipe(&going) == 0)
        (Self.stands, Self.goesOn, tellOn) = (standing[1], going[0], going[1])
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in
            var byte: UInt8 = 1
            _ = write(ThreadStop.stands, &byte, 1)
            while read(ThreadStop.goesOn, &byte, 1) < 0 {}
        }
        action.sa_flags = SA_RESTART
        try #require(sigaction(SIGUSR2, &action, nil) == 0 && pthread_kill(thread, SIGUSR2) == 0)
        var byte: UInt8 = 0
        try #require(read(standing[0], &byte, 1) == 1)
    }

    func end() {
        var byte: UInt8 = 1
        _ = write(tellOn, &byte, 1)
    }
}
