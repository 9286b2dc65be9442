import Foundation

/// The part of a manifest that one of several processes speaks: every nth text, so that long texts are distributed.
struct BatchShard: Sendable, Hashable {
    /// From 0.
    let index: Int
    let count: Int

    static let whole = BatchShard(unchecked: 0, of: 1)

    private init(unchecked index: Int, of count: Int) { (self.index, self.count) = (index, count) }

    /// - Parameters:
    ///   - given: `i/n` from the command line.
    ///   - count: the number of parts, if the index comes from the environment.
    ///   - environment: Slurm's array variables, or Kubernetes' index of an indexed job.
    /// - Throws: ``UsageError``.
    init(_ given: String?, count: Int?, environment: [String: String]) throws {
        if let given {
            guard count == nil else { throw UsageError("--shard \(given) already contains the number of parts; leave --shards out") }
            let parts = given.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
            guard parts.count == 2, let index = parts[0], let count = parts[1], count > 0, (0..<count).contains(index) else {
                throw UsageError("--shard is \(given); expected i/n with i from 0 to n − 1, as 0/8 to 7/8")
            }
            self.init(unchecked: index, of: count)
            return
        }
        func number(_ name: String) throws -> Int? {
            guard let text = environment[name] else { return nil }
            guard let number = Int(text) else { throw UsageError("\(name) is \"\(text)\"; expected a number, or give --shard i/n") }
            return number
        }
        if let count, count < 1 { throw UsageError("--shards is \(count); it is at least 1") }
        let task = try number("SLURM_ARRAY_TASK_ID"), job = try number("JOB_COMPLETION_INDEX")
        if let count {
            guard let index = task ?? job else {
                throw UsageError(
                    "--shards \(count) takes the number from SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX, and neither is set; give --shard i/\(count)"
                )
            }
            guard (0..<count).contains(index) else {
                throw UsageError("the environment gives part \(index), but --shards \(count) allows 0 to \(count - 1); number the array from 0")
            }
            self.init(unchecked: index, of: count)
        } else if let task, let all = try number("SLURM_ARRAY_TASK_COUNT"), all > 1, let first = try number("SLURM_ARRAY_TASK_MIN") {
            let step = max(1, try number("SLURM_ARRAY_TASK_STEP") ?? 1)
            guard (task - first) % step == 0, (0..<all).contains((task - first) / step) else {
                throw UsageError("Slurm's array has gaps (task \(task), \(all) tasks from \(first)); give --shards N and number them from 0")
            }
            self.init(unchecked: (task - first) / step, of: all)
        } else if let job {
            throw UsageError("JOB_COMPLETION_INDEX is \(job), and the number of parts is unknown: give --shards N, the job's completions")
        } else {
            self = .whole
        }
    }

    func contains(_ item: Int) -> Bool { item % count == index }

    /// The name of its results file in the output folder.
    var resultsName: String {
        guard self != .whole else { return "results.jsonl" }
        let digits = String(count - 1).count
        return "results-\(String(format: "%0\(digits)d", index))-of-\(count).jsonl"
    }
}
