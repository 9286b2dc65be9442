import CTorch

/// The loaded libtorch: its version, and the number of threads of its operations on the CPU.
///
/// The number of threads is a setting of the calling thread: OpenMP and MKL keep one for each. A thread's first call to libtorch sets it to the
/// process's default: one thread for each processor, or the number set by ``setThreads(_:)``.
public enum Libtorch {
    /// For example "2.13.0".
    public static var version: String { String(cString: ct_libtorch_version()) }

    /// Threads that one operation of the calling thread may use.
    public static var threads: Int { ct_threads() }

    /// Sets ``threads`` for the calling thread, and the default of threads that have not called libtorch yet: for a program,
    /// at its start.
    ///
    /// - Throws: ``TorchError``.
    public static func setThreads(_ count: Int) throws {
        precondition(count > 0, "at least one thread")
        try perform("threads") { ct_set_threads(count, $0) }
    }

    /// Sets ``threads`` for the calling thread only, permanently: for a thread that does nothing but compute.
    ///
    /// - Throws: ``TorchError`` if the system cannot start a thread.
    package static func setOwnThreads(_ count: Int) throws {
        precondition(count > 0, "at least one thread")
        try perform("threads") { ct_set_own_threads(count, $0) }
    }

    /// Runs a closure whose operations use at most this many threads; other threads' settings do not change.
    ///
    /// - Throws: ``TorchError`` if the system cannot start a thread, and errors of the work.
    public static func withThreads<Result>(_ count: Int, _ work: () throws -> Result) throws -> Result {
        let before = threads
        try setOwnThreads(count)
        // Restoring the earlier number can fail only if no thread can be started; then the smaller number remains.
        defer { try? setOwnThreads(before) }
        return try work()
    }
}
