#if Hub
    import Chatterbox
    import ChatterboxHub
    import FileSupport
    import Foundation
    import Synchronization
    import TestSupport
    import Testing

    @testable import ChatterboxModels

    @Suite("A synthesizer from a model's name", .standInModel) struct SynthesizerNameTests {
        private static let repository = "Org/small"
        private let home: TemporaryFolder
        private let hub: LoopbackHub
        private var places: ModelPlaces

        init() throws {
            home = try TemporaryFolder()
            let names = try FileManager.default.contentsOfDirectory(atPath: StandInModel.folder.path)
            let files = try names.map { name in
                let contents = try Data(contentsOf: StandInModel.folder.appending(path: name))
                return ("\(Self.repository)/\(name)", LoopbackHub.File(contents: contents, checksum: Self.gitName(contents)))
            }
            let flow = Data("no flow".utf8)
            hub = try LoopbackHub(
                Dictionary(
                    uniqueKeysWithValues: files + [
                        ("ResembleAI/chatterbox-flash/s3gen.safetensors", LoopbackHub.File(contents: flow, checksum: Self.gitName(flow)))
                    ]))
            places = .ofUser(environment: ["HOME": home.url.path, "HF_ENDPOINT": hub.address])
            let source = CatalogModel.Source(try HubRepository(Self.repository), names.map { HubRequest($0) })
            places.catalog = ModelCatalog(models: [CatalogModel(name: "small", summary: "with random weights", sources: [source]), .fastFlow])
        }

        private static func gitName(_ contents: Data) -> String {
            let bytes = Data("blob \(contents.count)\0".utf8) + contents
            return MessageDigest.digits(MessageDigest.of(bytes, by: .sha1))
        }

        private func speak(_ synthesizer: Synthesizer) async throws -> Int {
            let voice = try await synthesizer.voice(from: StandInModel.recording)
            return try await synthesizer.speak("Hi.", voice: voice, options: SpeechOptions(steps: 1, maximumTokens: 4, seed: 1)).audio.samples.count
        }

        @Test("a model is downloaded and loaded, with progress, and speaks; the second time it is not downloaded") func downloads() async throws {
            defer { hub.stop() }
            let states = Mutex<[ModelState]>([])
            let first = try await Synthesizer(model: "small", places: places) { state in states.withLock { $0.append(state) } }
            #expect(try await speak(first) > 0)
            let told = states.withLock(\.self)
            let downloads = told.compactMap { if case .downloading(let download) = $0 { download } else { nil } }
            let last = try #require(downloads.last)
            #expect(last.files == last.totalFiles && last.bytes == last.totalBytes && last.totalBytes > 100_000)
            #expect(told.suffix(2) == [.loading(folder: first.model.folder), .ready])
            #expect(first.model.folder == places.hubShelf.appending(path: "small"))
            let requests = hub.requests.count
            let second = try await Synthesizer(model: "small", places: places) { state in
                if case .downloading = state { Issue.record("nothing was to be downloaded") }
            }
            #expect(second.model.folder == first.model.folder && hub.requests.count == requests)
        }

        @Test("without permission to download, the error names the missing model, and no request is sent") func notAllowed() async throws {
            defer { hub.stop() }
            await #expect(throws: ModelLocatorError.notHere("small")) {
                _ = try await Synthesizer(model: "small", places: places, allowsDownload: false)
            }
            #expect(hub.requests.isEmpty)
        }

        @Test("an unknown name is refused, and a part of a model as well", arguments: ["smal", "fast-flow"]) func unknown(name: String) async throws {
            defer { hub.stop() }
            let error = await #expect(throws: ModelLocatorError.self) { _ = try await Synthesizer(model: name, places: places) }
            #expect("\(try #require(error))".contains("there is no model or folder \"\(name)\""))
        }

        @Test("a folder can be used as a model's name, and an engine can be shared") func folder() async throws {
            defer { hub.stop() }
            let engine = SpeechEngine()
            let synthesizer = try await Synthesizer(model: StandInModel.folder.path, places: places, engine: engine)
            #expect(synthesizer.engine === engine && hub.requests.isEmpty)
            #expect(try await speak(synthesizer) > 0)
        }

        @Test("a fast flow is downloaded if there is none, and not if there is one beside the model") func fastFlow() async throws {
            defer { hub.stop() }
            // The hub's file is not a flow, so loading fails after the download.
            await #expect(throws: (any Error).self) { _ = try await Synthesizer(model: StandInModel.folder.path, places: places, fastFlow: true) }
            #expect(hub.requests.contains { $0.contains("ResembleAI/chatterbox-flash/resolve/main/s3gen.safetensors") })
            let requests = hub.requests.count, other = home.url.appending(path: "both")
            try Model.writeRandom(.tiny, tokenizer: fixturesFolder.appending(path: "tokenizer.json"), seed: 3, fastFlow: true, to: other)
            let synthesizer = try await Synthesizer(model: other.path, places: places, fastFlow: true)
            #expect(synthesizer.model.s3GenFile.lastPathComponent == FlowChoice.fastFileName && hub.requests.count == requests)
        }
    }
#endif
