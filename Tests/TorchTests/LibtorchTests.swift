import Foundation
import Synchronization
import TestSupport
import Testing
import Torch

@Suite("Threads of libtorch")
struct LibtorchTests {
    /// The result on a thread that has not called libtorch yet.
    private func onNewThread<Value: Sendable>(_ work: @escaping @Sendable () -> Value) -> Value {
        let found = Mutex<Value?>(nil), done = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let value = work()
            found.withLock { $0 = value }
            done.signal()
        }
        done.wait()
        return found.withLock { $0! }
    }

    @Test("the library has a version") func version() { #expect(Libtorch.version.split(separator: ".").count >= 2) }

    @Test("a number of threads applies to the work and only to the thread that does it") func scope() throws {
        let before = Libtorch.threads, others = onNewThread { Libtorch.threads }
        let count = before + 1
        let found = try Libtorch.withThreads(count) {
            let generator = try Generator(seed: 1)
            _ = try Tensor.randn([64, 64], generator: generator).matmul(.randn([64, 64], generator: generator))
            return (here: Libtorch.threads, elsewhere: onNewThread { Libtorch.threads })
        }
        #expect(found.here == count)
        #expect(found.elsewhere == others)
        #expect(Libtorch.threads == before)
    }

    @Test("a thread that first sets its number keeps it") func first() throws {
        let others = onNewThread { Libtorch.threads }
        let found = onNewThread { () -> [Int] in
            guard
                (try? Libtorch.withThreads(others + 2) {
                    // An operation that runs in parallel reads the number itself.
                    _ = try Tensor.ones([1 << 20]).exp().sum()
                    return Libtorch.threads
                }) == others + 2
            else { return [] }
            return [Libtorch.threads]
        }
        #expect(found == [others])
    }

    @Test("the number is restored after an error") func error() throws {
        struct Trouble: Error {}
        let before = Libtorch.threads
        #expect(throws: Trouble.self) { try Libtorch.withThreads(before + 1) { throw Trouble() } }
        #expect(Libtorch.threads == before)
    }
}
