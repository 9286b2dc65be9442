import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Kernels

/// The kernel's files for a process, below a folder.
private func allowance(processors: Int = 16, mounts: String, groups: String, files: [String: String]) throws -> ProcessorAllowance {
    let folder = try TemporaryFolder()
    let all = files.merging(["proc/self/mountinfo": mounts, "proc/self/cgroup": groups]) { first, _ in first }
    for (path, text) in all {
        let url = folder.url.appending(path: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }
    return withExtendedLifetime(folder) { ProcessorAllowance(root: folder.url, processors: processors) }
}

@Suite("The processors that a process may use")
struct ProcessorAllowanceTests {
    static let versionTwo = "30 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
    static let versionOne = """
        25 20 0:22 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        26 25 0:23 / /sys/fs/cgroup/cpuset rw,relatime shared:1 - cgroup cgroup rw,cpuset
        27 25 0:24 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct

        """

    @Test("without control groups these are the processors that the scheduler allows", arguments: [1, 3, 64])
    func affinity(processors: Int) throws {
        let found = try allowance(processors: processors, mounts: "", groups: "", files: [:])
        #expect(found.quota == nil)
        #expect(found.threads == processors)
    }

    @Test(
        "a quota of version 2 is rounded up to whole threads",
        arguments: [
            ("max 100000\n", nil, 16), ("150000 100000\n", 1.5, 2), ("200000 100000\n", 2, 2), ("5000 100000\n", 0.05, 1),
            ("6400000 100000\n", 64, 16), ("25000 50000\n", 0.5, 1),
        ] as [(String, Double?, Int)])
    func versionTwo(text: String, quota: Double?, threads: Int) throws {
        let found = try allowance(
            mounts: Self.versionTwo, groups: "0::/user.slice/job.scope\n", files: ["sys/fs/cgroup/user.slice/job.scope/cpu.max": text])
        #expect(found.quota == quota)
        #expect(found.threads == threads)
    }

    @Test(
        "a quota of version 1 is in microseconds per period; −1 is no quota",
        arguments: [
            ("-1\n", nil, 16), ("350000\n", 3.5, 4), ("50000\n", 0.5, 1),
        ] as [(String, Double?, Int)])
    func versionOne(time: String, quota: Double?, threads: Int) throws {
        let found = try allowance(
            mounts: Self.versionOne, groups: "3:cpuset:/other\n2:cpu,cpuacct:/job\n1:name=systemd:/x\n0::/\n",
            files: [
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": time, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
            ])
        #expect(found.quota == quota)
        #expect(found.threads == threads)
    }

    @Test("the smallest quota up to the root applies") func hierarchy() throws {
        let found = try allowance(
            mounts: Self.versionTwo, groups: "0::/a/b/c\n",
            files: [
                "sys/fs/cgroup/a/cpu.max": "300000 100000\n", "sys/fs/cgroup/a/b/cpu.max": "250000 100000\n",
                "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n",
                // The quota of a sibling group.
                "sys/fs/cgroup/a/other/cpu.max": "10000 100000\n",
            ])
        #expect(found.quota == 2.5)
        #expect(found.threads == 3)
    }

    @Test("a container that sees only its own group uses that group's quota", arguments: ["/docker/abc", "/", "/../elsewhere", "/docker"])
    func container(group: String) throws {
        let mounts = "40 30 0:27 /docker/abc /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
        let found = try allowance(mounts: mounts, groups: "0::\(group)\n", files: ["sys/fs/cgroup/cpu.max": "400000 100000\n"])
        #expect(found.threads == 4)
    }

    @Test("if both versions are mounted, the one with the CPU controller applies") func hybrid() throws {
        let mounts = Self.versionOne + "28 25 0:25 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
        let found = try allowance(
            mounts: mounts, groups: "2:cpu,cpuacct:/job\n0::/job\n",
            files: [
                "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "200000\n", "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/unified/job/cgroup.procs": "1\n",
            ])
        #expect(found.threads == 2)
    }

    @Test("unknown contents of files set no quota", arguments: ["", "max", "many 100000", "0 100000", "100000 0", "-5 100000", "1 2 3"])
    func damaged(text: String) throws {
        let found = try allowance(
            mounts: "nonsense\n - cgroup2\n" + Self.versionTwo, groups: "nonsense\n0::/\n:\n", files: ["sys/fs/cgroup/cpu.max": text])
        #expect(found.quota == nil)
        #expect(found.threads == 16)
    }

    @Test("a thread that is bound to one processor may use one") func bound() throws {
        // Swift's Glibc module does not have it.
        typealias SetAffinity = @convention(c) (pid_t, Int, UnsafeRawPointer) -> Int32
        let setAffinity = unsafeBitCast(try #require(dlsym(nil, "sched_setaffinity")), to: SetAffinity.self)
        let found = Mutex<ProcessorAllowance?>(nil), done = DispatchSemaphore(value: 0)
        // A separate thread, so that no other test is bound. It uses the first processor on which it may run.
        Thread.detachNewThread {
            let isBound = (0..<1024).contains { processor in
                var mask = [UInt64](repeating: 0, count: 16)
                mask[processor / 64] = 1 << UInt64(processor % 64)
                return setAffinity(0, 128, mask) == 0
            }
            if isBound { found.withLock { $0 = .current } }
            done.signal()
        }
        done.wait()
        #expect(found.withLock { $0?.processors } == 1)
        #expect(found.withLock { $0?.threads } == 1)
    }

    @Test("this process may use at least one processor") func current() {
        #expect(ProcessorAllowance.current.processors >= 1)
        #expect((1...ProcessorAllowance.current.processors).contains(ProcessorAllowance.current.threads))
    }
}
