import CTorch
import Foundation

/// What a process or a card holds, in bytes.
public struct MemoryStatistics: Sendable, Hashable, Codable {
    /// Held now: resident memory of the process, or memory of tensors on a card.
    public let current: Int
    /// The most held since the start, or since ``Memory/resetPeak(of:)``.
    public let peak: Int
    /// Held by the card's allocator, tensors' memory included; equal to ``current`` for the CPU.
    public let reserved: Int
}

/// Memory figures and the release of caches.
public enum Memory {
    /// The process's resident memory for the CPU, the allocator's figures for a card.
    ///
    /// - Throws: ``TorchError`` where the device is not available.
    public static func statistics(of device: Device = .cpu) throws -> MemoryStatistics {
        guard device.isCUDA else {
            let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            func bytes(_ key: String) -> Int {
                status.split(separator: "\n").first { $0.hasPrefix(key + ":") }?
                    .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 } ?? 0
            }
            let resident = bytes("VmRSS")
            return MemoryStatistics(current: resident, peak: max(resident, bytes("VmHWM")), reserved: resident)
        }
        var figures = ct_memory_statistics()
        try perform("memory statistics") { ct_device_memory(device.code, &figures, $0) }
        return MemoryStatistics(
            current: figures.allocated_bytes, peak: figures.peak_allocated_bytes, reserved: figures.reserved_bytes)
    }

    /// Bytes of main memory that processes can still take; nil where the system does not tell.
    public static var available: Int? {
        let information = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        return information.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// Starts the peak of a device afresh.
    public static func resetPeak(of device: Device) throws {
        if device.isCUDA {
            try perform("reset peak memory") { ct_device_reset_peak(device.code, $0) }
        } else {
            // Linux starts VmHWM afresh when 5 is written here.
            try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        }
    }

    /// Gives memory that no tensor uses back to the system.
    public static func releaseCache(of device: Device = .cpu) throws {
        try perform("release cache") { ct_release_cache(device.code, $0) }
    }

    /// Lets the C library's allocator have at most so many arenas, from which threads are served in turn: each keeps some of what was freed
    /// in it, so that a long-lived process with many threads stays smaller. Called before threads begin; for the whole process.
    public static func limitArenas(to count: Int) { ct_limit_arenas(count) }

    /// Lets the C library keep what is freed, in one heap for all threads: training frees and takes the same gigabytes in every step, which
    /// otherwise come from the system anew, page by page. Called before threads begin; for the whole process.
    public static func keepFreed() { ct_keep_freed_memory() }

    /// Waits until the device has finished what it was given.
    public static func synchronize(_ device: Device) throws {
        try perform("synchronize") { ct_synchronize(device.code, $0) }
    }
}

extension Tensor {
    /// Whether no other tensor, such as a view, shares its memory.
    package var isAloneInItsMemory: Bool { ct_storage_use_count(handle) == 1 }
}
