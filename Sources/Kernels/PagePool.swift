import CKernels
import Synchronization

/// Memory in pages of one size. A page is returned to the pool when nothing refers to it any more.
final class PagePool: Sendable {
    let pageBytes: Int
    private let free = Mutex<[Memory]>([])

    /// The address of a free page; it may be passed between threads.
    private struct Memory: @unchecked Sendable { let start: UnsafeMutableRawPointer }

    init(pageBytes: Int) { self.pageBytes = pageBytes }

    deinit { free.withLock { for memory in $0 { ck_page_give(memory.start, pageBytes) } } }

    /// A page with undefined contents.
    ///
    /// - Throws: ``KernelError/outOfMemory(_:bytes:)``.
    func take() throws -> Page {
        if let memory = free.withLock({ $0.popLast() }) { return Page(memory: memory.start, pool: self) }
        guard let memory = ck_page_take(pageBytes) else { throw KernelError.outOfMemory("keys and values", bytes: pageBytes) }
        return Page(memory: memory, pool: self)
    }

    /// Keeps some pages for later sequences, because the system would have to zero new ones, and frees the others.
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
