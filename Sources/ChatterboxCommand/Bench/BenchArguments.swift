import ArgumentParser

/// What every measurement asks for.
struct BenchArguments: ParsableArguments {
    @Option(help: ArgumentHelp("Seed of what is drawn.", valueName: "n"))
    var seed: UInt64 = 1
    @Flag(help: "Print the figures as JSON.")
    var json = false
    @Flag(help: "Print the table as Markdown.")
    var markdown = false

    /// Rows of cells, the first of them headings, as they are to be printed.
    func table(_ rows: [[String]]) -> String { markdown ? TextTable.markdown(rows) : TextTable.plain(rows) }
}
