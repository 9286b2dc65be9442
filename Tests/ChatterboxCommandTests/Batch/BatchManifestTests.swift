import Foundation
import TestSupport
import Testing

@testable import ChatterboxCommand

@Suite("Manifests of batches") struct BatchManifestTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func manifest(_ text: String, _ name: String = "m.jsonl") throws -> BatchManifest {
        let url = folder.url.appending(path: name)
        try Data(text.utf8).write(to: url)
        return try BatchManifest(url)
    }

    private func refusal(_ line: String) throws -> String? {
        if case .failure(let refusal) = try manifest(line).item(0) { refusal.reason } else { nil }
    }

    @Test("JSON lines have numbers, texts and lists; empty lines and a byte order mark are skipped, and lines are counted") func json() throws {
        let seed = UInt64.max
        let all = try manifest(
            "\u{FEFF}{\"id\":\"a\",\"text\":\"One.\",\"seed\":\(seed),\"temperature\":0.5,\"top_k\":40,\"adapter\":[\"x\",\"y=0.5\"]}\r\n\n \n{\"file\":\"b.txt\",\"format\":\"FLAC\",\"voice\":null,\"hue\":1}"
        )
        #expect(all.count == 2)
        let one = try all.item(0).get(), two = try all.item(1).get()
        #expect(
            one.id == "a" && one.text == "One." && one.seed == seed && one.temperature == 0.5 && one.topK == 40 && one.adapters == ["x", "y=0.5"])
        #expect(one.place == "line 1" && two.place == "line 4")
        #expect(two.id == "000002" && two.file == "b.txt" && two.format == .flac && two.voice == nil && two.ignored == ["hue"])
    }

    @Test("CSV has the same fields, with any of three delimiters") func csv() throws {
        for (sign, name) in [(",", "m.csv"), (";", "m.csv"), ("\t", "m.tsv")] {
            let lines = ["ID,text,speed,seed", "a,\"One, two.\",1.5,7", "b,Three.,,"].map { line in
                line.replacing("One, two", with: "One # two").replacing(",", with: sign).replacing("#", with: ",")
            }
            let all = try manifest(lines.joined(separator: "\n"), name)
            let one = try all.item(0).get(), two = try all.item(1).get()
            #expect(one.text == "One , two." && one.speed == 1.5 && one.seed == 7 && two.text == "Three." && two.speed == nil)
        }
    }

    @Test(
        "an error says what is wrong with a line",
        arguments: [
            ("nonsense", "it is no JSON object: nonsense"),
            ("[1]", "it is no JSON object: [1]"),
            (#"{"id":"a"}"#, "there is no text; expected the field text, or the field file with the name of a text file"),
            (#"{"text":"a","file":"b"}"#, "both text and file are given; give only one"),
            (#"{"text":7}"#, "text is 7; expected a text"),
            (#"{"text":"a","seed":-1}"#, "seed is -1.0; expected a whole number from 0"),
            (#"{"text":"a","seed":1.5}"#, "seed is 1.5; expected a whole number from 0"),
            (#"{"text":"a","speed":true}"#, "speed is true; expected a number"),
            (#"{"text":"a","voice":["b"]}"#, "voice is a list; expected a text"),
            (#"{"text":"a","format":"mp4"}"#, "format is \"mp4\"; expected wav, flac, mp3, aac, opus, pcm"),
            (#"{"text":"a","id":7}"#, "id is 7; expected a text"),
        ]) func wrong(line: String, reason: String) throws
    {
        #expect(try refusal(line) == reason)
    }

    @Test(
        "ids name only files in the output folder",
        arguments: ["../a", "/a", "a//b", ".a", "a/.b", "", "a\\u0000b", String(repeating: "x", count: 201)])
    func names(id: String) throws {
        // An empty id counts as missing, and the text is identified by its number.
        #expect(try refusal(#"{"text":"a","id":"\#(id)"}"#)?.hasPrefix("id is \"") ?? false || id.isEmpty)
        let fine = try manifest(#"{"text":"a","id":"kapitel 1/größe.7"}"#).item(0).get().id
        #expect(fine == "kapitel 1/größe.7")
    }

    @Test(
        "a file without texts, or without columns for them, is refused with its name",
        arguments: [
            ("", "m.jsonl", "m.jsonl: there is no text in it"),
            ("id,words\na,b", "m.csv", "m.csv: its first line names no column text or file: id,words"),
        ]) func nothing(text: String, name: String, message: String) throws
    {
        let error = #expect(throws: BatchManifestError.self) { _ = try manifest(text, name) }
        #expect(error?.description.hasSuffix(message) == true)
    }
}

@Suite("Parts of batches") struct BatchShardTests {
    private func shard(_ given: String? = nil, _ count: Int? = nil, _ environment: [String: String] = [:]) throws -> [Int] {
        let shard = try BatchShard(given, count: count, environment: environment)
        return [shard.index, shard.count]
    }

    @Test("parts are given by option, by Slurm's tasks or by the indices of Kubernetes") func sources() throws {
        #expect(try shard() == [0, 1])
        #expect(try shard("3/8") == [3, 8])
        let slurm = ["SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_MIN": "2", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_STEP": "2"]
        #expect(try shard(nil, nil, slurm) == [2, 4])
        // If one task of the array runs again alone, it keeps its part if the count is given.
        #expect(try shard(nil, 16, ["SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_MIN": "6", "SLURM_ARRAY_TASK_COUNT": "1"]) == [6, 16])
        #expect(try shard(nil, 4, ["JOB_COMPLETION_INDEX": "3"]) == [3, 4])
        #expect(try BatchShard("3/12", count: nil, environment: [:]).resultsName == "results-03-of-12.jsonl")
        #expect(BatchShard.whole.resultsName == "results.jsonl")
    }

    @Test("every text is in exactly one part") func cover() throws {
        let parts = try (0..<5).map { try BatchShard("\($0)/5", count: nil, environment: [:]) }
        for item in 0..<23 { #expect(parts.filter { $0.contains(item) }.count == 1) }
    }

    @Test(
        "invalid parts are refused",
        arguments: [
            ("8/8", nil, [:]), ("1", nil, [:]), ("-1/3", nil, [:]), ("1/3", 3, [:]), (nil, 3, [:]), (nil, 0, [:]),
            (nil, 3, ["JOB_COMPLETION_INDEX": "3"]),
            (nil, nil, ["JOB_COMPLETION_INDEX": "3"]), (nil, nil, ["SLURM_ARRAY_TASK_ID": "x"]),
            (nil, nil, ["SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_COUNT": "3"]),
        ] as [(String?, Int?, [String: String])]) func refused(given: String?, count: Int?, environment: [String: String])
    {
        #expect(throws: UsageError.self) { _ = try BatchShard(given, count: count, environment: environment) }
    }
}
