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

    /// How often each piece was done, and what went wrong.
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

    /// Runs from several threads take turns.
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
        // Two callers, who take turns.
        DispatchQueue.concurrentPerform(iterations: 2) { caller in
            for round in 0..<50 {
                let board = Board(1 + (round * 7 + caller * 3) % 23)
                // In phase n every piece finds n visits where it is.
                let steps = (0..<20).map { Step(board, number: $0) }
                let phases = steps.map {
                    phase($0, pieces: board.visits.count) { _, context, piece in
                        let step = Unmanaged<Step>.fromOpaque(context!).takeUnretainedValue()
                        let visits = step.board.visits, beside = visits[(piece + 1) % visits.count].count
                        // The neighbour's piece of this phase may be done already.
                        if visits[piece].count != step.number || beside < step.number || beside > step.number + 1 { step.board.faults.countOn() }
                        visits[piece].countOn()
                    }
                }
                // Phases without pieces are passed over, at the end too.
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

    /// Where two members wait for each other, so that each does one of two pieces.
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

/// Stops a thread of this process, wherever it is, as a scheduler would that gives its processor to another.
private struct ThreadStop {
    // Ends of pipes, for the signal's handler: the thread tells that it stands, and waits to go on.
    nonisolated(unsafe) private static var stands: Int32 = -1
    nonisolated(unsafe) private static var goesOn: Int32 = -1

    private let tellOn: Int32

    /// Lets the calling thread be stopped: threads of Dispatch, and those that they start, block signals.
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
