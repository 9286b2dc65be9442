import Foundation
import TestSupport
import Testing
import Torch

/// Archives written by torch.save, and malicious ones.
@Suite("PickledArchive")
struct PickledArchiveTests {
    let folder: TemporaryFolder
    var url: URL { folder.url.appending(path: "x.pt") }
    let saved = fixturesFolder.appending(path: "archive.pt")

    init() throws { folder = try TemporaryFolder() }

    // MARK: what torch.save writes

    @Test("every tensor is what Python stored: modules, parameters, views, all types") func tensors() throws {
        let tensors = try PickledArchive(saved).tensors
        let expected = try SafetensorsFile(fixturesFolder.appending(path: "archive.safetensors")).tensors()
        #expect(tensors.keys.sorted() == expected.keys.sorted())
        for (name, tensor) in tensors {
            let other = try #require(expected[name])
            #expect(tensor.dtype == other.dtype, "\(name)")
            #expect(tensor.shape == other.shape, "\(name)")
            #expect(try tensor.withBytes { Data($0) } == other.withBytes { Data($0) }, "\(name)")
        }
    }

    @Test("numbers and texts are read, and objects of other classes are skipped") func values() throws {
        #expect(
            try PickledArchive(saved).values == [
                "step": "250000", "negative": "-3", "large": "1099511627776", "rate": "0.0001", "flag": "True", "nothing": "None",
                "list.1.1": "text",
            ])
    }

    @Test("tensors outlive the archive, and writing to one does not change the file") func mapping() throws {
        try Data(contentsOf: saved).write(to: url)
        let before = try Weights.load(url)["model"]["first"].tensor("bias", shape: [2]).array(of: Float.self)
        let bias = try Weights.load(url)["model"]["first"].tensor("bias", shape: [2])
        try bias.fill(9)
        #expect(try bias.array(of: Float.self) == [9, 9])
        #expect(try Weights.load(url)["model"]["first"].tensor("bias", shape: [2]).array(of: Float.self) == before)
    }

    /// A pickle of a dictionary with one number of this many bytes.
    @Test(
        "numbers are in two's complement",
        arguments: [([], "0"), ([0xFF], "-1"), ([0x80, 0x00], "128"), ([0x00, 0xFF], "-256"), ([0, 0, 0, 0, 0, 1], "1099511627776")]
            as [([UInt8], String)])
    func long(digits: [UInt8], expected: String) throws {
        try archive([0x7D, 0x55, 1, 0x78, 0x8A, UInt8(digits.count)] + digits + [0x73, 0x2E]).write(to: url)
        #expect(try PickledArchive(url).values == ["x": expected])
    }

    @Test("protocol 4 with frames is also read") func protocol4() throws {
        // {"x": 7}, with a frame, a short text, and values remembered without numbers.
        try archive([0x80, 4, 0x95, 9, 0, 0, 0, 0, 0, 0, 0, 0x7D, 0x94, 0x8C, 1, 0x78, 0x94, 0x4B, 7, 0x73, 0x2E]).write(to: url)
        #expect(try PickledArchive(url).values == ["x": "7"])
    }

    // MARK: invalid archives

    /// An archive of this pickle, with eight bytes of memory under the key 0.
    private func archive(_ pickle: [UInt8], memory: Int = 8, method: UInt16 = 0) -> Data {
        ZipBytes.archive([("x/data.pkl", Data(pickle)), ("x/byteorder", Data("little".utf8)), ("x/data/0", Data(count: memory))], method: method)
    }

    private func refusal(_ bytes: Data) throws -> String {
        try bytes.write(to: url)
        let error = #expect(throws: ArchiveError.self) { try PickledArchive(url) }
        return "\(error as Any)"
    }

    /// {"x": module.name(command)}
    private func call(_ module: String, _ name: String, _ command: String) -> [UInt8] {
        let text = [0x58] + withUnsafeBytes(of: UInt32(command.utf8.count).littleEndian) { Array($0) } + Array(command.utf8)
        return [0x80, 2, 0x7D, 0x55, 1, 0x78] + Array("c\(module)\n\(name)\n".utf8) + text + [0x85, 0x52, 0x73, 0x2E]
    }

    @Test(
        "a pickle that names functions for starting programs or running code is refused with the name, and nothing is called",
        arguments: [
            ("posix", "system"), ("os", "system"), ("subprocess", "Popen"), ("builtins", "eval"), ("__builtin__", "exec"), ("torch", "load"),
            ("torch.hub", "load"),
            ("runpy", "_run_code"), ("importlib", "import_module"), ("os.path", "join"),
        ]) func harmful(module: String, name: String) throws
    {
        let witness = folder.url.appending(path: "called")
        let message = try refusal(archive(call(module, name, "touch \(witness.path)")))
        #expect(message.contains("\(module).\(name)"), "\(message)")
        #expect(message.contains("do not trust"))
        #expect(!FileManager.default.fileExists(atPath: witness.path))
    }

    @Test(
        "other classes and functions are placeholders",
        arguments: [("__main__", "Model"), ("numpy.core.multiarray", "scalar"), ("pathlib", "PosixPath"), ("builtins", "set")])
    func labels(module: String, name: String) throws {
        try archive(call(module, name, "anything")).write(to: url)
        let archive = try PickledArchive(url)
        #expect(archive.tensors.isEmpty && archive.values.isEmpty)
    }

    @Test(
        "a pickle made to exhaust memory, stack or time is refused",
        arguments: [
            ("remembers at place 4294967295", [0x7D, 0x72, 0xFF, 0xFF, 0xFF, 0xFF, 0x2E]),
            ("a text of 4 GB", [0x58, 0xFF, 0xFF, 0xFF, 0xFF, 0x61, 0x2E]),
            ("a list that holds itself", [0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E]),
            ("lists nested 100,000 deep", Array(repeating: 0x5D, count: 100_000) + Array(repeating: 0x61, count: 99_999) + [0x2E]),
            ("tuples nested 100,000 deep", [0x29] + Array(repeating: 0x85, count: 100_000) + [0x2E]),
            (
                "a list twice in a list, forty times over",
                [0x5D, 0x71, 0] + (0..<40).flatMap { [0x5D, 0x68, $0, 0x61, 0x68, $0, 0x61, 0x71, $0 + 1] as [UInt8] } + [0x2E]
            ),
            ("more marks than anything", Array(repeating: 0x28, count: 100_000)),
            ("nothing", []),
            ("an end and no value", [0x2E]),
            ("a number of 255 bytes", [0x8A, 0xFF] + Array(repeating: 1, count: 255) + [0x2E]),
            ("protocol 9", [0x80, 9, 0x4E, 0x2E]), ("an instruction that does not exist", [0xFF, 0x2E]),
            ("a name without an end", [0x63, 0x6F, 0x73]),
            ("a mark that was never set", [0x74, 0x2E]), ("a note of nothing", [0x71, 0, 0x2E]), ("a call of no name", [0x4E, 0x29, 0x52, 0x2E]),
            ("an end without its value's mark", [0x4E, 0x28, 0x2E]),
        ] as [(String, [UInt8])]) func greed(what: String, pickle: [UInt8]) throws
    {
        #expect(try refusal(archive(pickle)).contains("x.pt"))
    }

    /// The pickle of one float32 tensor over memory of two elements.
    private func tensor(offset: Int = 0, shape: [Int], strides: [Int], count: Int = 2, key: String = "0", type: String = "FloatStorage") -> [UInt8] {
        func number(_ n: Int) -> [UInt8] { [0x8A, 8] + withUnsafeBytes(of: n.littleEndian) { Array($0) } }
        func text(_ s: String) -> [UInt8] { [0x55, UInt8(s.utf8.count)] + Array(s.utf8) }
        func tuple(_ items: [[UInt8]]) -> [UInt8] { [0x28] + items.joined() + [0x74] }
        let storage = tuple([text("storage"), Array("ctorch\n\(type)\n".utf8), text(key), text("cpu"), number(count)]) + [0x51]
        let arguments = tuple([storage, number(offset), tuple(shape.map(number)), tuple(strides.map(number)), [0x89], [0x7D]])
        return [0x80, 2, 0x7D] + text("x") + Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8) + arguments + [0x52, 0x73, 0x2E]
    }

    @Test("a tensor within its memory is read") func inside() throws {
        try archive(tensor(offset: 1, shape: [3], strides: [0])).write(to: url)
        #expect(try PickledArchive(url).tensors["x"]?.array(of: Float.self) == [0, 0, 0])
    }

    @Test(
        "a tensor that extends beyond its memory, or repeats it without end, is refused",
        arguments: [
            ([3], [1], 0), ([2], [1], 1), ([2], [1], -1), ([2], [-1], 1), ([1], [1], 2), ([-1], [1], 0), ([1 << 40], [0], 0),
            ([1 << 62, 4], [0, 0], 0), ([2, 2], [1 << 62, 1 << 62], 0), ([1], [1], Int.max), ([0, 1 << 62, 1 << 62], [1, 1, 1], 0),
            (Array(repeating: 1, count: 40), Array(repeating: 1, count: 40), 0), ([2], [1, 1], 0),
        ] as [([Int], [Int], Int)]) func outside(shape: [Int], strides: [Int], offset: Int) throws
    {
        #expect(try refusal(archive(tensor(offset: offset, shape: shape, strides: strides))).contains("x.pt"))
    }

    @Test("memory that is missing, of another size or of an unknown type is refused") func memory() throws {
        #expect(try refusal(archive(tensor(shape: [2], strides: [1], key: "1"))).contains("\"1\" of a tensor is missing"))
        #expect(try refusal(archive(tensor(shape: [2], strides: [1], count: 3))).contains("8 bytes for 3 elements"))
        #expect(try refusal(archive(tensor(shape: [2], strides: [1], count: .max))).contains("elements"))
        #expect(try refusal(archive(tensor(shape: [2], strides: [1], type: "QInt8Storage"))).contains("torch.QInt8Storage"))
    }

    @Test("a zip file with other contents, and a compressed one, is refused") func otherZips() throws {
        #expect(try refusal(ZipBytes.archive([("a.txt", Data("hello".utf8))])).contains("no part data.pkl"))
        #expect(try refusal(archive([0x4E, 0x2E], method: 8)).contains("compressed"))
        #expect(try refusal(ZipBytes.archive([("x/data.pkl", Data([0x4E, 0x2E])), ("x/data.pkl", Data([0x4E, 0x2E]))])).contains("two parts"))
        #expect(
            try refusal(ZipBytes.archive([("x/data.pkl", Data([0x4E, 0x2E])), ("x/byteorder", Data("big".utf8))])).contains(
                "big-endian"))
        #expect(try refusal(Data()).contains("0 bytes"))
    }

    @Test("a missing file, a folder and a device are refused") func unreadable() {
        for path in [folder.url.appending(path: "none.pt"), folder.url, URL(filePath: "/dev/zero")] {
            let error = #expect(throws: ArchiveError.self) { try PickledArchive(path) }
            #expect("\(error as Any)".contains("cannot be read"))
        }
    }

    // MARK: searches

    @Test("a truncated archive is refused") func truncated() throws {
        let bytes = try Data(contentsOf: saved)
        for length in stride(from: 0, to: bytes.count, by: 61) {
            try bytes.prefix(length).write(to: url)
            #expect(throws: ArchiveError.self, "\(length) bytes") { try PickledArchive(url) }
        }
    }

    @Test("changes to a valid archive are harmless or refused") func damaged() throws {
        let bytes = try Data(contentsOf: saved)
        search(rounds: 150) { random in
            try expectReadOrRefused(bytes.damaged(using: &random), at: url, [ArchiveError.self]) { url in
                for tensor in try PickledArchive(url).tensors.values { _ = try tensor.clone() }
            }
        }
    }

    @Test("changes to the pickle of a valid archive are harmless or refused") func damagedPickle() throws {
        // The pickle is the archive's first part; damage that keeps its length leaves the zip file valid.
        let bytes = try Data(contentsOf: saved)
        let start = try #require(bytes.range(of: Data([0x80, 2, 0x7D]))).lowerBound
        let end = try #require(bytes.range(of: Data("PK".utf8), in: start..<bytes.count)).lowerBound
        search(rounds: 150) { random in
            var pickle = bytes[start..<end].damaged(using: &random).prefix(end - start)
            pickle.append(Data(count: end - start - pickle.count))
            try expectReadOrRefused(bytes[..<start] + pickle + bytes[end...], at: url, [ArchiveError.self]) { url in
                for tensor in try PickledArchive(url).tensors.values { _ = try tensor.clone() }
            }
        }
    }

    @Test("any instructions in any order are harmless or refused") func programs() {
        let codes =
            Array("(.NJKMGXU})]te asuqrhjcQRbl20T").map { $0.asciiValue! } + [0x80, 0x81, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x93, 0x94, 0x95]
        search(rounds: 300) { random in
            var pickle: [UInt8] = []
            for _ in 0..<random.below(60) {
                pickle.append(codes[random.below(codes.count)])
                if random.below(3) == 0 { pickle.append(UInt8(random.below(4))) }
            }
            try expectReadOrRefused(archive(pickle + [0x2E]), at: url, [ArchiveError.self]) { _ = try PickledArchive($0) }
        }
    }
}

/// A zip file with uncompressed entries.
enum ZipBytes {
    static func archive(_ parts: [(name: String, bytes: Data)], method: UInt16 = 0) -> Data {
        func little(_ numbers: any FixedWidthInteger...) -> Data {
            numbers.reduce(into: Data()) { data, number in
                data.append(contentsOf: (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: Int(number) >> ($0 * 8)) })
            }
        }
        var data = Data(), directory = Data()
        for (name, bytes) in parts {
            let sizes = little(
                UInt16(20), UInt16(0), method, UInt32(0), UInt32(0), UInt32(bytes.count), UInt32(bytes.count), UInt16(name.utf8.count), UInt16(0))
            directory +=
                little(UInt32(0x0201_4B50), UInt16(20)) + sizes + little(UInt16(0), UInt16(0), UInt16(0), UInt32(0), UInt32(data.count))
                + Data(name.utf8)
            data += little(UInt32(0x0403_4B50)) + sizes + Data(name.utf8) + bytes
        }
        let count = UInt16(parts.count)
        return data + directory
            + little(UInt32(0x0605_4B50), UInt16(0), UInt16(0), count, count, UInt32(directory.count), UInt32(data.count), UInt16(0))
    }
}
