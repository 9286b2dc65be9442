import CTorch
import Foundation

/// Memory of a process or of a GPU, in bytes.
public struct MemoryStatistics: Sendable, Hashable, Codable {
    /// Held now: resident memory of the process, or memory of tensors on a GPU.
    public let current: Int
    /// The peak since the start, or since ``Memory/resetPeak(of:)``.
    public let peak: Int
    /// Held by the GPU's allocator, tensors' memory included; equal to ``current`` for the CPU.
    public let reserved: Int
}

/// Memory figures and the release of caches.
public enum Memory {
    /// The process's resident memory for the CPU, the allocator's figures for a GPU.
    ///
    /// - Throws: ``TorchError`` if the device is not available.
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

    /// Bytes of main memory that are available to processes; nil if the system does not report it.
    public static var available: Int? {
        let information = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        return information.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }?
            .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }

    /// Resets the peak of a device.
    public static func resetPeak(of device: Device) throws {
        if device.isCUDA {
            try perform("reset peak memory") { ct_device_reset_peak(device.code, $0) }
        } else {
            // Writing 5 here makes Linux reset VmHWM.
            try? "5".write(toFile: "/proc/self/clear_refs", atomically: false, encoding: .utf8)
        }
    }

    /// Returns memory that no tensor uses to the system.
    public static func releaseCache(of device: Device = .cpu) throws {
        try perform("release cache") { ct_release_cache(device.code, $0) }
    }

    /// Limits the number of arenas of the C library's allocator. Each arena keeps some freed memory, so that with fewer arenas a long-running
    /// process with many threads uses less memory. Call it before threads are started; it affects the whole process.
    public static func limitArenas(to count: Int) { ct_limit_arenas(count) }

    /// Makes the C library keep freed memory in one heap for all threads: training frees and allocates the same gigabytes in every step, which
    /// would otherwise be returned to the system and allocated again page by page. Call it before threads are started; it affects the whole
    /// process.
    public static func keepFreed() { ct_keep_freed_memory() }

    /// Waits until the device has finished all its operations.
    public static func synchronize(_ device: Device) throws {
        try perform("synchronize") { ct_synchronize(device.code, $0) }
    }
}

extension Tensor {
    /// Whether no other tensor, such as a view, shares its memory.
    package var isAloneInItsMemory: Bool { ct_storage_use_count(handle) == 1 }
}
