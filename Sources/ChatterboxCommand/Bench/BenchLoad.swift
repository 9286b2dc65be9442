import ArgumentParser
import Chatterbox
import ChatterboxEvaluation
import Foundation
import SpeechAudio
import SpeechText
import Torch

/// `chatterbox bench load`: the speed of many simultaneous requests.
struct BenchLoad: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Measure the speed for many simultaneous listeners.",
        discussion: """
            The same requests are spoken one after the other, then for each number of simultaneous listeners in --listeners; each listener \
            requests the next text when the previous one has ended. With --rate, requests arrive as a Poisson process. The stop token is \
            never drawn, so each request lasts --seconds, and random weights can be used (`chatterbox models make-random`).

            The table shows medians of --runs: the time to the first sound (median and 95th percentile), seconds of sound per second for \
            one request and for all, and how often a listener who starts playing immediately runs out of sound. It also shows the speed \
            relative to one request after the other, and its limit by Amdahl's law: requests can share only the reading of T3's weights.

            With --url a server is measured instead, `chatterbox serve` or another server with OpenAI's API: --model and --voice are then \
            names on that server, sound is streamed, and the model decides where speech ends. Requests that the server refuses with 429 \
            are repeated after the time in Retry-After; they are counted, and their time includes the wait.

            Examples:
              chatterbox bench load --model turbo --quantize int8
              chatterbox bench load --url http://127.0.0.1:8080 --requests 16
              chatterbox bench load --model DIR --voices 8 --listeners 8 --requests 32 --runs 1
              chatterbox bench load --model nano --quantize int8 --voice me.wav --rate 0.2 0.4 --json
            """)

    @OptionGroup var model: ModelArguments
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Numbers of simultaneous listeners.", valueName: "n"))
    var listeners = [1, 2, 4, 8]
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Mean numbers of requests that arrive in a second.", valueName: "x"))
    var rate: [Double] = []
    @Option(help: ArgumentHelp("Number of requests in each measurement. (default: the largest number of listeners)", valueName: "n"))
    var requests: Int?
    @Option(help: ArgumentHelp("Seconds of speech of a request.", valueName: "s"))
    var seconds = 10.0
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Texts to speak in turn; the default ones are English.", valueName: "text"))
    var text = Self.texts
    @Option(help: ArgumentHelp("Language of the texts, for models that speak several.", valueName: "xx"))
    var language: String?
    @Option(help: ArgumentHelp("Number of different random voices, which speak in turn.", valueName: "n"))
    var voices = 1
    @Option(help: ArgumentHelp("Length in seconds of the references that the random voices simulate.", valueName: "s"))
    var reference = 7.0
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Voices to use in turn instead of random ones.", valueName: "file|name"))
    var voice: [String] = []
    @Option(help: "When sound is delivered: utterances (each when it is complete) or chunks (while it is being computed).")
    var delivery = SpeechOptions.Delivery.utterances
    @Option(help: ArgumentHelp("A server to measure instead of this process, as http://127.0.0.1:8080.", valueName: "url"))
    var url: String?
    @Option(help: ArgumentHelp("A file whose first key is sent to the server.", valueName: "file"))
    var apiKeyFile: String?
    @Option(
        help: ArgumentHelp("Certificates (PEM) of authorities to trust in addition to the system's, for the server's certificate.", valueName: "file")
    )
    var caFile: String?
    @Option(help: "Number of measurements of each setting.")
    var runs = 3
    @Flag(help: "Also measure single steps of T3 for the same numbers of requests, without other work.")
    var steps = false
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Measure steps in which the requests have this many different adapters, of rank 16 for every layer.", valueName: "n"))
    var adapters: [Int] = []
    @OptionGroup var common: BenchArguments
    @OptionGroup var progress: ProgressArguments

    static let texts = [
        "The ship was late, and nobody on the quay could say when it would come in.",
        "She had written three letters that week and sent none of them to anybody.",
        "All the way down the hill the children sang what they had learned at school.",
        "He kept the old clock because it was wrong in the same way every day.",
    ]

    func validate() throws {
        if url == nil, apiKeyFile != nil || caFile != nil {
            throw ValidationError("--api-key-file and --ca-file are for a server; give its address with --url")
        }
        func check(_ name: String, _ value: Double, _ allowed: ClosedRange<Double>) throws {
            guard allowed.contains(value) else {
                func shown(_ number: Double) -> String { number == number.rounded() ? String(Int(number)) : String(number) }
                throw ValidationError("--\(name) is \(shown(value)); allowed is \(shown(allowed.lowerBound)) to \(shown(allowed.upperBound))")
            }
        }
        for count in listeners { try check("listeners", Double(count), 1...1024) }
        for rate in rate { try check("rate", rate, 0.001...1000) }
        if let requests { try check("requests", Double(requests), 1...100_000) }
        for count in adapters { try check("adapters", Double(count), 0...64) }
        try check("seconds", seconds, 0.04...160)
        try check("voices", Double(voices), 1...1024)
        try check("reference", reference, 1...60)
        try check("runs", Double(runs), 1...100)
        guard !text.isEmpty, !text.contains(where: { $0.allSatisfy(\.isWhitespace) }) else {
            throw ValidationError("--text is empty; give something to speak")
        }
    }

    func run() async throws {
        let display = progress.display
        defer { display.clear() }
        if let url { return try await run(at: url, display) }
        let speaking = try SpeakingArguments.parse(language.map { ["--language", $0] } ?? []), options = try speaking.options()
        let sources = try voice.map { try VoiceArguments.parse(["--voice", $0]).source(for: model)! }
        let synthesizer = try await model.load(display)
        try speaking.check(synthesizer.model)
        let speaker = SynthesizerSpeaker(
            synthesizer, voices: try await load(sources, synthesizer, display), seconds: seconds, language: options.language,
            delivery: delivery)
        display.begin("Measuring the machine")
        let machine = try BenchMachine.measure(threads: model.threads ?? ComputeOptions.defaultThreads)
        display.begin("Warming up")
        try await speaker.warmUp()

        let load = SpeechLoad(speaker, clock: ContinuousClock()), asked = makeRequests(voices: speaker.voices.count)
        var report = LoadReport(machine: machine, synthesizer.model, speaker, requests: asked.count, patterns)
        let randomAdapters = try (0..<(adapters.max() ?? 0)).map {
            try Adapter.random(for: synthesizer.model.t3, rank: 16, generator: Generator(seed: common.seed &+ UInt64($0)))
        }
        // Measurements alternate, so that changes of the machine's speed affect all of them.
        for run in 1...runs {
            for pattern in patterns {
                display.begin("Run \(run) of \(runs): \(asked.count) requests, \(LoadReport.name(of: pattern))")
                report.add(try await load.run(asked, pattern), pattern)
            }
            for case .closed(let count) in steps || !adapters.isEmpty ? patterns : [] {
                for different in adapters.isEmpty ? [0] : adapters where different <= count {
                    display.begin("Run \(run) of \(runs): steps for \(count)")
                    report.add(
                        try synthesizer.model.stepTime(
                            requests: count, voices: speaker.voices, adapters: Array(randomAdapters.prefix(different)), tokens: speaker.tokens,
                            seed: common.seed))
                }
            }
        }
        display.clear()
        if common.json { return try StandardOutput.print(json: report) }
        try StandardOutput.print("\(machine.sentence)\n\(report.setting)\n\n\(common.table(report.table))")
        if !report.steps.isEmpty { try StandardOutput.print("\n" + common.table(report.stepTable)) }
    }

    /// The load patterns, beginning with one request after the other.
    private var patterns: [LoadPattern] {
        var patterns = [LoadPattern.closed(listeners: 1)]
        for count in listeners where !patterns.contains(.closed(listeners: count)) { patterns.append(.closed(listeners: count)) }
        return patterns + rate.map { .open(rate: $0, seed: common.seed) }
    }

    private func makeRequests(voices: Int) -> [LoadRequest] {
        (0..<(requests ?? listeners.max() ?? 1)).map { number in
            LoadRequest(text[number % text.count], voice: number % voices, seed: common.seed &+ UInt64(number))
        }
    }

    /// Measures a server.
    private func run(at url: String, _ display: ProgressDisplay) async throws {
        #if Hub
            if steps || !adapters.isEmpty { throw UsageError("--steps and --adapters measure this process's model; remove them or --url") }
            let speaker = ServerSpeaker(
                try ServerClient(url, keyFile: apiKeyFile, authorityFile: caFile), model: model.model ?? "tts-1",
                voices: voice.isEmpty ? ["default"] : voice,
                language: language)
            display.begin("Warming up")
            _ = try await speaker.speak(LoadRequest("One two three.", seed: common.seed)) { _ in }
            display.begin("Measuring the machine")
            let machine = try BenchMachine.measure(threads: model.threads ?? ComputeOptions.defaultThreads)
            let load = SpeechLoad(speaker, clock: ContinuousClock()), asked = makeRequests(voices: speaker.voices.count)
            var report = LoadReport(
                machine: machine, server: url, model: speaker.model, voices: speaker.voices.count, requests: asked.count, patterns)
            for run in 1...runs {
                for pattern in patterns {
                    display.begin("Run \(run) of \(runs): \(asked.count) requests, \(LoadReport.name(of: pattern))")
                    report.add(try await load.run(asked, pattern), pattern)
                }
            }
            display.clear()
            if common.json { return try StandardOutput.print(json: report) }
            try StandardOutput.print("\(machine.sentence)\n\(report.setting)\n\n\(common.table(report.table))")
        #else
            throw UsageError("--url: this program was built without an HTTP client (trait Hub)")
        #endif
    }

    /// The given voices, or random ones.
    private func load(_ sources: [VoiceSource], _ synthesizer: Synthesizer, _ display: ProgressDisplay) async throws -> [Voice] {
        if sources.isEmpty {
            let sizes = synthesizer.model.voiceAnalyzer.voiceSizes
            return try (0..<voices).map { number in
                try Voice.random(sizes, seconds: reference, generator: Generator(seed: common.seed &+ UInt64(number))).to(synthesizer.model.device)
            }
        }
        var voices: [Voice] = []
        for source in sources { voices.append(try await source.load(synthesizer, display)) }
        return voices
    }
}
