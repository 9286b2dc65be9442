import CKernels

/// Threads that compute together, and the instruction set that they use.
///
/// Between runs the threads spin for a short time, then sleep. Calls from several tasks are executed one after the other. Results do not depend on
/// the number of threads.
public final class ThreadTeam: @unchecked Sendable {
    let handle: OpaquePointer

    /// - Parameters:
    ///   - threads: the number of threads, including the calling one.
    ///   - instructions: one of ``availableInstructions``; nil for the fastest.
    /// - Throws: ``KernelError``.
    public init(threads: Int, instructions: String? = nil) throws {
        precondition(threads > 0, "at least one thread")
        if let instructions, !Self.availableInstructions.contains(instructions) {
            throw KernelError.unknownInstructions(instructions, available: Self.availableInstructions)
        }
        guard let handle = ck_team_create(Int32(threads), instructions) else { throw KernelError.noThreads(threads) }
        self.handle = handle
    }

    deinit { ck_team_destroy(handle) }

    public var threads: Int { Int(ck_team_threads(handle)) }
    public var instructions: String { String(cString: ck_team_instructions(handle)) }

    /// What this processor has, the fastest first; "portable" is always the last.
    public static var availableInstructions: [String] {
        var names: [String] = []
        while let name = ck_instructions(Int32(names.count)) { names.append(String(cString: name)) }
        return names
    }
}

/// Why the kernels cannot carry out a call.
public enum KernelError: Error, Hashable, CustomStringConvertible {
    case unknownInstructions(String, available: [String])
    case noThreads(Int)
    case outOfMemory(String, bytes: Int)
    case shape(String, expected: String, found: [Int])

    public var description: String {
        switch self {
        case .unknownInstructions(let name, let available):
            "This processor does not have the instruction set \"\(name)\"; it has \(available.joined(separator: ", "))."
        case .noThreads(let count): "The system cannot start \(count) threads: ask for fewer."
        case .outOfMemory(let what, let bytes):
            "There is not enough memory for \(what) (\(bytes >> 20) MB): close other programs, or take smaller weights (int8, int4)."
        case .shape(let what, let expected, let found): "The \(what) should have the shape \(expected), found \(found)."
        }
    }
}
