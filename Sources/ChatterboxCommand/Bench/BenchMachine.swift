import ArgumentParser
import ChatterboxEvaluation
import Foundation
import Kernels

/// The machine on which a measurement was made, and its limits.
struct BenchMachine: Encodable, Sendable {
    let processor: String
    let threads: Int
    /// The instruction set of the kernels.
    let instructions: String
    let rates: MachineRates

    /// Measures for about a second.
    ///
    /// - Throws: `KernelError`.
    static func measure(threads: Int) throws -> BenchMachine {
        let team = try ThreadTeam(threads: threads)
        return BenchMachine(
            processor: MachineDescription.processorName, threads: team.threads, instructions: team.instructions,
            rates: try MachineRates(measuredWith: team))
    }

    /// For example "AMD EPYC, 2 threads, avx512: memory 31.5 GB/s, arithmetic 236 GFLOP/s in float32 and 945 GOP/s in int8".
    var sentence: String {
        String(
            format: "%@, %d threads, %@: memory %.1f GB/s, arithmetic %.0f GFLOP/s in float32 and %.0f GOP/s in int8",
            processor, threads, instructions, rates.bandwidth / 1e9, rates.float32 / 1e9, rates.int8 / 1e9)
    }
}

/// Options of every measurement.
struct BenchArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Seed of all random numbers.", valueName: "n"))
    var seed: UInt64 = 1
    @Flag(help: "Print the figures as JSON.")
    var json = false
    @Flag(help: "Print the table as Markdown.")
    var markdown = false

    /// Rows of cells for printing; the first row has the headings.
    func table(_ rows: [[String]]) -> String { markdown ? TextTable.markdown(rows) : TextTable.plain(rows) }
}
