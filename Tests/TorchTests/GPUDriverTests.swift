import Foundation
import TestSupport
import Testing

@testable import Torch

@Suite("NVIDIA's driver")
struct GPUDriverTests {
    @Test("a library that does not exist, or is another, is not a driver") func none() {
        #expect(GPUDriver(library: "libcuda-that-nobody-has.so") == nil)
        #expect(GPUDriver(library: "libc.so.6") == nil)
    }

    @Test(
        "a GPU is detected from Linux's files",
        arguments: [
            (["proc/driver/nvidia/version"], true), (["dev/nvidia0"], true), (["dev/nvidiactl", "dev/nvidia-uvm"], false), ([], false),
        ])
    func presence(files: [String], isPresent: Bool) throws {
        let root = try TemporaryFolder()
        for file in files {
            let place = root.url.appending(path: file)
            try FileManager.default.createDirectory(at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data().write(to: place)
        }
        #expect(GPUDriver.isPresent(below: root.url) == isPresent)
    }

    @Test(
        "the driver's version is the number in its first line",
        arguments: [
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.95.05  Tue Sep 23 10:11:16 UTC 2025\nGCC version:  gcc version 13.3.0\n",
                "580.95.05"
            ),
            ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder)\n", "570.86.15"), ("", nil),
        ] as [(String, String?)])
    func version(text: String, expected: String?) throws {
        let root = try TemporaryFolder()
        let place = root.url.appending(path: "proc/driver/nvidia")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: place.appending(path: "version"))
        #expect(GPUDriver.version(below: root.url) == expected)
    }
}
