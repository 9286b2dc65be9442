import Foundation
import SpeechAudio
import SpeechText
import TestSupport
import Testing
import Torch

@testable import Chatterbox

@Suite("Error codes") struct ErrorCodesTests {
    private static let sources = fixturesFolder.deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")
    /// The modules whose errors a caller of the libraries may get.
    private static let modules = [
        "Torch", "Kernels", "SpeechAudio", "SpeechText", "Chatterbox", "Moonshine", "ChatterboxHub", "ChatterboxModels", "ChatterboxTraining",
    ]

    /// The lines of the modules' Swift files.
    private static func lines(of modules: [String]) throws -> [(file: String, text: String)] {
        try modules.flatMap { module in
            let folder = sources.appending(path: module)
            let files = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }.filter {
                $0.hasSuffix(".swift")
            }
            return try files.sorted().flatMap { file in
                try String(contentsOf: folder.appending(path: file), encoding: .utf8).split(separator: "\n").map { ("\(module)/\(file)", String($0)) }
            }
        }
    }

    /// Code and error, such as `VoiceError.version`, of every code in the sources.
    private static func codes() throws -> [(code: String, error: String)] {
        var type = "", codes: [(String, String)] = []
        for (_, line) in try lines(of: modules) {
            // Checking the beginning is much faster than a regular expression.
            if line.first != " " {
                if let name = line.firstMatch(of: #/^(?:public )?(?:extension|enum|struct) (\w+)/#) { type = String(name.1) }
                continue
            }
            guard line.hasPrefix("        case .") || line.contains("var code: String") else { continue }
            if let match = line.firstMatch(of: #/^        case \.(\w+): "([a-zA-Z0-9]+\.[a-zA-Z0-9]+)"$/#) {
                codes.append((String(match.2), "\(type).\(match.1)"))
            } else if let match = line.firstMatch(of: #/var code: String \{ "([a-zA-Z0-9]+\.[a-zA-Z0-9]+)" \}/#) {
                codes.append((String(match.1), type))
            }
        }
        return codes
    }

    @Test("every code belongs to one error, and the documentation's table lists them all") func documented() throws {
        let codes = try Self.codes()
        #expect(codes.count > 100 && Set(codes.map(\.code)).count == codes.count)
        let page = try String(contentsOf: Self.sources.appending(path: "Chatterbox/Documentation.docc/Errors.md"), encoding: .utf8)
        let table = page.matches(of: #/(?m)^\| `([a-zA-Z0-9.]+)` \| `([a-zA-Z0-9.]+)` \| [^|]+ \|$/#).map {
            (code: String($0.1), error: String($0.2))
        }
        #expect(table.count == codes.count)
        #expect(Set(table.map { "\($0.code) \($0.error)" }) == Set(codes.map { "\($0.code) \($0.error)" }))
    }

    @Test("every public error has a code") func complete() throws {
        let declared = try Self.lines(of: Self.modules).filter { $0.text.hasPrefix("public ") }.compactMap {
            $0.text.firstMatch(of: #/^public (?:enum|struct) (\w+): .*\bError\b/#).map { String($0.1) }
        }
        let coded = Set(try Self.codes().map { String($0.error.prefix { $0 != "." }) })
        #expect(declared.count > 20 && Set(declared).subtracting(coded).isEmpty, "\(Set(declared).subtracting(coded))")
    }

    @Test("an error's code depends only on its case") func values() {
        let url = URL(filePath: "/models/mine")
        let errors: [(any CodedError, String)] = [
            (VoiceError.version(source: "a", found: "9"), "voice.version"), (CheckpointError.noFolder(url), "model.noFolder"),
            (SpeechOptionsError(option: "speed", found: "9", allowed: "4"), "options.invalid"), (TextError.empty, "text.empty"),
            (AudioError.silent(name: "a", peak: 0, floor: 0), "audio.silent"), (DeviceError.unknown("tpu"), "device.unknown"),
            (ForeignTextError(text: "я", languages: [.russian]), "text.foreign"), (T3Error.noFreeSlots(wanted: 2, free: 0), "t3.noFreeSlots"),
        ]
        for (error, code) in errors { #expect(error.code == code) }
        #expect((CancellationError() as any Error as? any CodedError) == nil)
    }

    @Test("the libraries' messages name no options of a program") func noOptions() throws {
        let strings = try Self.lines(of: ["Torch", "Kernels", "SpeechAudio", "SpeechText", "Chatterbox", "Moonshine"]).filter { line in
            line.text.contains("--") && !line.text.contains(#/^\s*///#) && line.text.contains(#/".*--[a-z].*"/#)
        }
        // MeCab's arguments.
        #expect(strings.map(\.file) == ["SpeechText/LanguageSteps/JapaneseReader.swift"], "\(strings)")
    }
}
