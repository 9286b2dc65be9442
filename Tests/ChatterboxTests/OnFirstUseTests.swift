import Synchronization
import Testing

@testable import Chatterbox

@Suite("OnFirstUse") struct OnFirstUseTests {
    private struct Trouble: Error {}

    @Test("the value is computed once when it is first used, for all callers") func once() async throws {
        let count = Mutex(0)
        let number = OnFirstUse {
            count.withLock { count in
                count += 1
                return count
            }
        }
        #expect(count.withLock { $0 } == 0)
        let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try number() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(numbers == Array(repeating: 1, count: 20))
    }

    @Test("after a failure the next call tries again") func again() throws {
        let tries = Mutex(0)
        let value = OnFirstUse {
            try tries.withLock { tries in
                tries += 1
                if tries == 1 { throw Trouble() }
                return "made"
            }
        }
        #expect(throws: Trouble.self) { try value() }
        #expect(try value() == "made")
        #expect(tries.withLock { $0 } == 2)
    }
}
