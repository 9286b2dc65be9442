import CKernels
import Synchronization

/// Memory in pages of one size, which goes back when nobody has a page any more.
final class PagePool: Sendable {
    let pageBytes: Int
    private let free = Mutex<[Memory]>([])

    /// The address of a page that nobody has: safe to hand from thread to thread.
    private struct Memory: @unchecked Sendable { let start: UnsafeMutableRawPointer }

    init(pageBytes: Int) { self.pageBytes = pageBytes }

    deinit { free.withLock { for memory in $0 { ck_page_give(memory.start, pageBytes) } } }

    /// A page that may hold anything.
    ///
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    func take() throws -> Page {
        if let memory = free.withLock({ $0.popLast() }) { return Page(memory: memory.start, pool: self) }
        guard let memory = ck_page_take(pageBytes) else { throw KernelError.outOfMemory("keys and values", bytes: pageBytes) }
        return Page(memory: memory, pool: self)
    }

    /// Some pages are kept for the next sequence, which saves the system's zeroing of them; the others go back.
    fileprivate func giveBack(_ memory: UnsafeMutableRawPointer) {
        let memory = Memory(start: memory)
        let isKept = free.withLock { free in
            guard (free.count + 1) * pageBytes <= Self.keptBytes else { return false }
            free.append(memory)
            return true
        }
        if !isKept { ck_page_give(memory.start, pageBytes) }
    }

    private static let keptBytes = 32 << 20
}

/// Keys and values of 16 positions.
final class Page {
    let memory: UnsafeMutableRawPointer
    private let pool: PagePool

    init(memory: UnsafeMutableRawPointer, pool: PagePool) {
        self.memory = memory
        self.pool = pool
    }

    deinit { pool.giveBack(memory) }
}
