import Foundation
import Synchronization
import TestSupport
import Testing

@testable import ChatterboxServer

@Suite("Loading and unloading") struct ModelShelfTests {
    /// A shelf whose models count their loads.
    private final class Counted: Sendable {
        let loads = Mutex<[String]>([])

        func offer(_ name: String, _ speaker: StandInSpeaker, folder: URL? = nil, onGPU: Bool = false) -> ModelOffering {
            ModelOffering(name: name, folder: folder, bytes: 60, usesGPU: onGPU) { [self] in
                loads.withLock { $0.append(name) }
                return speaker
            }
        }
    }

    @Test("a resting model is moved back without loading; its voices are moved with it") func rests() async throws {
        let counted = Counted(), speaker = try StandInSpeaker(canRest: true), forgotten = Mutex<[String]>([])
        let shelf = ModelShelf([counted.offer("a", speaker, onGPU: true)]) { name in forgotten.withLock { $0.append(name) } }
        let offer = shelf.offers[0]
        try await shelf.load(offer, pins: false)
        try await shelf.unload(offer)
        #expect(shelf.entry(of: offer).phase == .inactive && shelf.entry(of: offer).isResting)
        try await shelf.load(offer, pins: true)
        #expect(speaker.history == ["rest", "wake"] && counted.loads.withLock(\.self) == ["a"])
        #expect(shelf.entry(of: offer).isPinned && forgotten.withLock(\.self) == ["a"])
    }

    @Test("a model that cannot rest is closed and dropped, and loaded again") func dropped() async throws {
        let counted = Counted(), speaker = try StandInSpeaker(canRest: false)
        let shelf = ModelShelf([counted.offer("a", speaker, onGPU: true)]), offer = shelf.offers[0]
        try await shelf.load(offer, pins: false)
        try await shelf.unload(offer)
        #expect(shelf.entry(of: offer).model == nil)
        try await shelf.load(offer, pins: false)
        #expect(speaker.history == ["rest", "close"] && counted.loads.withLock(\.self) == ["a", "a"])
    }

    @Test("nothing refers to an unloaded model") func released() async throws {
        weak var loaded: StandInSpeaker?
        let made = Mutex<StandInSpeaker?>(nil)
        let shelf = ModelShelf([
            ModelOffering(name: "a") {
                let speaker = try StandInSpeaker()
                made.withLock { $0 = speaker }
                return speaker
            }
        ])
        try await shelf.load(shelf.offers[0], pins: false)
        loaded = made.withLock { $0.take() }
        #expect(loaded != nil)
        try await shelf.unload(shelf.offers[0])
        #expect(loaded == nil)
    }

    @Test("idle models are unloaded after their time") func idle() async throws {
        let shelf = ModelShelf([.standIn("a"), .standIn("b")])
        for offer in shelf.offers { try await shelf.load(offer, pins: offer.name == "b") }
        await shelf.unloadIdle(after: 60)
        #expect(shelf.entries.map(\.phase) == [.active, .active])
        await shelf.unloadIdle(after: 60, at: .now + .seconds(61))
        #expect(shelf.entries.map(\.phase) == [.inactive, .active])
    }

    @Test("a model is identified by the digest of its files, whatever their path") func digest() async throws {
        let folder = try TemporaryFolder(), other = try TemporaryFolder()
        for place in [folder.url, other.url] {
            try Data("weights".utf8).write(to: place.appending(path: "a.safetensors"))
            try Data("{}".utf8).write(to: place.appending(path: "config.json"))
        }
        let files = ModelFolder(folder: folder.url), digest = try files.digest()
        #expect(digest.hasPrefix("sha256:") && digest.count == 71)
        #expect(try ModelFolder(folder: other.url).digest() == digest)
        let stamp = files.stamp
        try Data("Weights".utf8).write(to: folder.url.appending(path: "a.safetensors"))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1e9)], ofItemAtPath: folder.url.appending(path: "a.safetensors").path)
        #expect(try files.digest() != digest && files.stamp != stamp)

        let shelf = ModelShelf([ModelOffering(name: "a", folder: other.url) { try StandInSpeaker() }])
        try await shelf.load(shelf.offers[0], pins: false)
        while shelf.entries[0].digest == nil { await Task.yield() }
        #expect(shelf.entries[0].digest == digest)
    }

    @Test("a file whose name is its digest, as in the hub's cache, is not read") func hubDigest() throws {
        let folder = try TemporaryFolder(), plain = try TemporaryFolder()
        let sum = "5f4cc2c6b2a6ef8a6e0a1e5c3b8f0e9d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a29"
        try Data("not what it is called".utf8).write(to: folder.url.appending(path: sum))
        let shelf = folder.url.appending(path: "shelf")
        try FileManager.default.createDirectory(at: shelf, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(at: shelf.appending(path: "a.pt"), withDestinationURL: folder.url.appending(path: sum))
        try Data("not what it is called".utf8).write(to: plain.url.appending(path: "a.pt"))
        #expect(try ModelFolder(folder: shelf).digest() != ModelFolder(folder: plain.url).digest())
    }
}
