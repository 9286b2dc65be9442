import Foundation
import TestSupport
import Testing

@testable import Torch

@Suite("torch.save archives") struct PickledArchiveTests {
    let url = fixturesFolder.appending(path: "archive.pt")

    @Test("every tensor is what Python stored: modules, parameters, views, all types") func tensors() throws {
        let archive = try PickledArchive(url)
        let expected = try SafetensorsFile(fixturesFolder.appending(path: "archive.safetensors")).tensors()
        #expect(archive.tensors.keys.sorted() == expected.keys.sorted())
        for (name, tensor) in archive.tensors {
            let other = try #require(expected[name])
            #expect(tensor.dtype == other.dtype, "\(name)")
            #expect(tensor.shape == other.shape, "\(name)")
            #expect(try tensor.withBytes { Data($0) } == other.withBytes { Data($0) }, "\(name)")
        }
    }

    @Test("numbers and texts are read, and objects of other classes passed over") func values() throws {
        let values = try PickledArchive(url).values
        #expect(values == [
            "step": "250000", "negative": "-3", "large": "1099511627776", "rate": "0.0001", "flag": "True", "nothing": "None",
            "list.1.1": "text",
        ])
    }

    @Test("a tensor is a view of the file, and outlives the archive") func mapped() throws {
        let weight = try #require(try PickledArchive(url).tensors["model.first.weight"])
        #expect(try weight.sum().item(Float.self).isFinite)
    }

    @Test("a file cut off anywhere is refused with what to do") func cutOff() throws {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: url)
        let copy = folder.url.appending(path: "cut.pt")
        for length in stride(from: 0, to: whole.count, by: 97) {
            try whole.prefix(length).write(to: copy)
            #expect(throws: ArchiveError.self) { try PickledArchive(copy) }
        }
    }

    @Test("changed bytes are refused or read as other contents, and never bring the process down") func changed() throws {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: url)
        let copy = folder.url.appending(path: "changed.pt")
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<3 { bytes[Int.random(in: 0..<whole.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
            try bytes.write(to: copy)
            do { _ = try PickledArchive(copy) } catch is ArchiveError {} catch is TorchError {}
        }
    }

    @Test("pickles that no checkpoint holds are refused", arguments: [
        ("a function that would run is only a name", [0x63, 0x6F, 0x73, 0x0A, 0x78, 0x0A, 0x29, 0x52, 0x2E], true),
        ("an empty stack", [0x2E], false),
        ("a mark that was never set", [0x74, 0x2E], false),
        ("an object of an unknown code", [0xFF, 0x2E], false),
        ("a note of nothing", [0x71, 0x00, 0x2E], false),
        ("an endless name", [0x63, 0x6F, 0x73], false),
        ("a number of nine bytes", [0x8A, 0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x2E], false),
    ] as [(String, [UInt8], Bool)])
    func pickles(_ name: String, _ code: [UInt8], isRead: Bool) throws {
        let read = { try code.withUnsafeBytes { try Unpickler.read($0) } }
        if isRead { _ = try read() } else { #expect(throws: Unpickler.Problem.self) { try read() } }
    }

    @Test("numbers in two's complement", arguments: [([], 0), ([0xFF], -1), ([0x80, 0x00], 128), ([0x00, 0xFF], -256), ([0, 0, 0, 0, 0, 1], 1 << 40)] as [([UInt8], Int)])
    func long(_ digits: [UInt8], _ expected: Int) throws {
        let code = [0x8A, UInt8(digits.count)] + digits + [0x2E]
        guard case .int(let value) = try code.withUnsafeBytes({ try Unpickler.read($0) }) else { Issue.record("no number"); return }
        #expect(value == expected)
    }
}
