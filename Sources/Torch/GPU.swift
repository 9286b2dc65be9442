import CTorch
import Foundation

/// An NVIDIA GPU as its driver describes it, whether or not this libtorch can use it.
public struct GPU: Sendable, Hashable, Codable {
    /// The number, as in `cuda:1`.
    public let index: Int
    public let name: String
    /// Its memory in bytes.
    public let memory: Int
    /// For example "9.0".
    public let computeCapability: String
}

/// NVIDIA's driver on this machine.
public struct GPUDriver: Sendable, Hashable, Codable {
    /// The driver's own version, such as "580.95.05"; nil if Linux does not report it.
    public let version: String?
    /// The newest CUDA version that the driver supports, such as "13.0".
    public let cudaVersion: String
    /// At least one.
    public let gpus: [GPU]

    /// Queries the driver; nil if there is none, or if it finds no GPU.
    ///
    /// - Parameters:
    ///   - library: the driver's library, a name for `dlopen`.
    ///   - root: replaces `/`: the driver's version is read from this folder's `proc/driver/nvidia/version`.
    public init?(library: String = "libcuda.so.1", root: URL = URL(filePath: "/")) {
        guard let driver = ct_driver_open(library) else { return nil }
        let cuda = ct_driver_cuda_version(driver)
        cudaVersion = "\(cuda / 1000).\(cuda % 1000 / 10)"
        gpus = (0..<ct_driver_count(driver)).compactMap { index in
            var found = ct_gpu()
            guard ct_driver_describe(driver, index, &found) else { return nil }
            let name = withUnsafeBytes(of: found.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return GPU(index: index, name: name, memory: found.memory_bytes, computeCapability: "\(found.major).\(found.minor)")
        }
        version = Self.version(below: root)
        if gpus.isEmpty { return nil }
    }

    /// Whether Linux reports an NVIDIA GPU; NVIDIA's libraries are not used.
    ///
    /// - Parameter root: the folder that contains `proc` and `dev`.
    public static func isPresent(below root: URL = URL(filePath: "/")) -> Bool {
        if FileManager.default.fileExists(atPath: root.appending(path: "proc/driver/nvidia/version").path) { return true }
        let devices = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "dev").path)) ?? []
        // nvidiactl and nvidia-uvm belong to the driver; nvidia0, nvidia1, … are GPUs.
        return devices.contains { $0.hasPrefix("nvidia") && Int($0.dropFirst("nvidia".count)) != nil }
    }

    /// The version in `proc/driver/nvidia/version`, whose first line is, for example, "NVRM version: NVIDIA UNIX x86_64 Kernel Module 580.95.05 Tue
    /// Sep 23 10:11:16 UTC 2025".
    static func version(below root: URL) -> String? {
        let text = (try? String(contentsOf: root.appending(path: "proc/driver/nvidia/version"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first?.split(separator: " ").map(String.init).first { word in
            word.contains(".") && word.allSatisfy { $0.isNumber || $0 == "." }
        }
    }
}
