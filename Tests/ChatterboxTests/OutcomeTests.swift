import TestSupport
import Testing

@testable import Chatterbox

@Suite("What many wait for") struct OutcomeTests {
    private struct Failure: Error {}

    @Test("all who wait hear it, and those who ask later; the first time counts") func settled() async throws {
        let outcome = Outcome<Int>()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 { group.addTask { try await outcome.value() } }
            outcome.settle(.success(7))
            outcome.settle(.success(8))
            for try await value in group { #expect(value == 7) }
        }
        #expect(try await outcome.value() == 7)
    }

    @Test("who gives up goes away at once, and the others hear it still") func cancelled() async throws {
        let outcome = Outcome<Int>()
        let gone = Task { try await outcome.value() }, other = Task { try await outcome.value() }
        gone.cancel()
        await #expect(throws: CancellationError.self) { try await gone.value }
        outcome.settle(.failure(Failure()))
        await #expect(throws: Failure.self) { try await other.value }
    }
}
