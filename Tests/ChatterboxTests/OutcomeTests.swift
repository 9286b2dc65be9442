import TestSupport
import Testing

@testable import Chatterbox

@Suite("A value for which many tasks wait") struct OutcomeTests {
    private struct Failure: Error {}

    @Test("all tasks that wait get it, and later ones as well; only the first result counts") func settled() async throws {
        let outcome = Outcome<Int>()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 { group.addTask { try await outcome.value() } }
            outcome.settle(.success(7))
            outcome.settle(.success(8))
            for try await value in group { #expect(value == 7) }
        }
        #expect(try await outcome.value() == 7)
    }

    @Test("a cancelled task stops waiting at once, and the others still get the value") func cancelled() async throws {
        let outcome = Outcome<Int>()
        let gone = Task { try await outcome.value() }, other = Task { try await outcome.value() }
        gone.cancel()
        await #expect(throws: CancellationError.self) { try await gone.value }
        outcome.settle(.failure(Failure()))
        await #expect(throws: Failure.self) { try await other.value }
    }
}
