import CKernels
import Foundation

/// How much of the machine this process may use: the processors on which it may run, and the processor time that its control groups allow.
///
/// A container with a quota of two processors on a machine with 64 sees all 64; with as many threads all of them would be stopped for most of each
/// period, even during their work.
public struct ProcessorAllowance: Sendable, Hashable {
    /// Processors that the scheduler may run the process on.
    public let processors: Int
    /// Seconds of processor time per second, the smallest quota of a control group up to the root; nil if none has a quota.
    public let quota: Double?

    /// The number of threads for which there is processor time, at least one: the quota rounded up, at most one for each processor.
    public var threads: Int {
        guard let quota else { return max(1, processors) }
        return max(1, min(processors, Int(min(quota, Double(processors)).rounded(.up))))
    }

    /// What this process is allowed now.
    public static var current: ProcessorAllowance {
        // Foundation ignores the affinity mask.
        let processors = Int(ck_processors())
        return ProcessorAllowance(
            root: URL(filePath: "/"), processors: processors > 0 ? processors : ProcessInfo.processInfo.activeProcessorCount)
    }

    /// Reads the quota of the process's control groups, version 1 or 2; a file that is missing or has unknown contents sets no quota.
    ///
    /// - Parameter root: the folder that contains `proc` and the mount points that it names.
    init(root: URL, processors: Int) {
        self.processors = processors
        quota = ControlGroup.all(of: root).compactMap(\.quota).min()
    }
}

/// The directory of a control group that limits processor time, and its parents.
///
/// Source: the kernel's `Documentation/admin-guide/cgroup-v2.rst` and `Documentation/scheduler/sched-bwc.rst`.
private struct ControlGroup {
    enum Version { case one, two }

    let version: Version
    /// From the group's own directory up to the mount point of the hierarchy.
    let directories: [URL]

    /// The smallest quota among these directories, in processors.
    var quota: Double? { directories.compactMap(quota(in:)).min() }

    private func quota(in directory: URL) -> Double? {
        func text(_ name: String) -> String? { try? String(contentsOf: directory.appending(path: name), encoding: .utf8) }
        let numbers: [Double?]
        switch version {
        // "max 100000" means no limit.
        case .two: numbers = (text("cpu.max") ?? "").split(whereSeparator: \.isWhitespace).map { Double($0) }
        // −1 means no limit.
        case .one:
            numbers = ["cpu.cfs_quota_us", "cpu.cfs_period_us"].map { Double((text($0) ?? "").trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
        guard numbers.count == 2, let time = numbers[0], let period = numbers[1], time > 0, period > 0 else { return nil }
        return time / period
    }

    /// The groups that contain this process.
    static func all(of root: URL) -> [ControlGroup] {
        func lines(_ path: String) -> [Substring] {
            ((try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? "").split(separator: "\n")
        }
        let mounts = lines("proc/self/mountinfo").compactMap(Mount.init)
        // For example "4:cpu,cpuacct:/user.slice" and "0::/user.slice".
        return lines("proc/self/cgroup").compactMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return nil }
            let isTwo = fields[0] == "0" && fields[1].isEmpty
            guard isTwo || fields[1].split(separator: ",").contains("cpu") else { return nil }
            let version: Version = isTwo ? .two : .one
            guard let mount = mounts.first(where: { $0.version == version }) else { return nil }
            return ControlGroup(version: version, directories: mount.directories(of: String(fields[2]), below: root))
        }
    }

    /// The mount point of a hierarchy, and which of its groups is mounted there.
    private struct Mount {
        let version: Version
        let group, place: String

        /// Reads a line such as "29 23 0:26 /group /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw"; nil for other file systems and other
        /// controllers.
        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            switch fields[dash + 1] {
            case "cgroup2": version = .two
            case "cgroup" where fields[dash + 3].split(separator: ",").contains("cpu"): version = .one
            default: return nil
            }
            (group, place) = (String(fields[3]), String(fields[4]))
        }

        /// The directories from a group up to the mount point. A group outside the mounted one, as in a container that mounts only its own group, is
        /// treated as the mounted group.
        func directories(of path: String, below root: URL) -> [URL] {
            let base = group == "/" ? "" : group
            let inside = path == base || path.hasPrefix(base + "/") ? path.dropFirst(base.count) : ""
            var directory = root.appending(path: place)
            var directories = [directory]
            for name in inside.split(separator: "/") where name != ".." {
                directory.append(path: name)
                directories.insert(directory, at: 0)
            }
            return directories
        }
    }
}
