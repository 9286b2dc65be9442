import Synchronization
import Testing

@testable import Chatterbox

@Suite("On first use") struct OnFirstUseTests {
    private struct Trouble: Error {}

    @Test("it is made when asked for, once, whoever asks") func once() async throws {
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

    @Test("what could not be made is tried again") func again() throws {
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
