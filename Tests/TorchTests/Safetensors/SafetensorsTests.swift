import Foundation
import TestSupport
import Testing
import Torch

@Suite("Safetensors")
struct SafetensorsTests {
    /// A valid file of two tensors, as bytes.
    static func example() throws -> Data {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "x.safetensors")
        try SafetensorsWriter.write(
            ["a": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]), "b.c": Tensor([7, 8])], metadata: ["k": "v"], to: url)
        return try Data(contentsOf: url)
    }

    static func file(header: String, data: Int) -> Data {
        var bytes = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
        bytes.append(Data(header.utf8))
        bytes.append(Data(count: data))
        return bytes
    }

    @Test("every element type is read as it was written", arguments: DType.allCases)
    func roundTrip(dtype: DType) throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "x.safetensors")
        let tensor = try Tensor.arange(12).reshaped([3, 4]).to(dtype)
        try SafetensorsWriter.write(["x": tensor, "empty": .zeros([0, 4], dtype: dtype)], metadata: ["who": "me"], to: url)
        let file = try SafetensorsFile(url)
        #expect(file.metadata == ["who": "me"])
        let back = try file.tensor("x")
        #expect(back.dtype == dtype)
        let (left, right) = dtype == .complex64 ? (try back.viewAsReal(), try tensor.viewAsReal()) : (back, tensor)
        #expect(try left.array(of: Float.self) == right.array(of: Float.self))
        #expect(try file.tensor("empty").shape == [0, 4])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["x.safetensors"])
    }

    @Test("a tensor outlives the file from which it was read, and writing to it does not change the file")
    func mapping() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "x.safetensors")
        try Self.example().write(to: url)
        let tensor = try SafetensorsFile(url).tensor("a")
        try tensor.fill(9)
        #expect(try tensor.array(of: Float.self) == [9, 9, 9, 9, 9, 9])
        #expect(try SafetensorsFile(url).tensor("a").array(of: Float.self) == [1, 2, 3, 4, 5, 6])
    }

    @Test("weights are converted to the requested type, integers are not")
    func conversion() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "x.safetensors")
        try Self.example().write(to: url)
        let weights = try Weights.load(url, dtype: .bfloat16)
        #expect(try weights.tensor("a", shape: [2, 3]).dtype == .bfloat16)
        #expect(try weights["b"].tensor("c", shape: [2]).dtype == .int64)
        try weights.requireAllUsed()
    }

    @Test("a tensor that is not aligned is read as well")
    func unaligned() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "x.safetensors")
        let header = #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}"#
        var bytes = Self.file(header: header, data: 9)
        bytes.replaceSubrange(bytes.count - 8..<bytes.count, with: withUnsafeBytes(of: (Float(1.5), Float(-2))) { Data($0) })
        try bytes.write(to: url)
        #expect(try SafetensorsFile(url).tensor("b").array(of: Float.self) == [1.5, -2])
    }

    @Test("a sharded checkpoint is read like one file")
    func shards() throws {
        let folder = try TemporaryFolder()
        try SafetensorsWriter.write(["a": .ones([2])], to: folder.url.appending(path: "one.safetensors"))
        try SafetensorsWriter.write(["b": .zeros([3])], to: folder.url.appending(path: "two.safetensors"))
        let index = folder.url.appending(path: "model.safetensors.index.json")
        try Data(#"{"metadata": {}, "weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}"#.utf8).write(to: index)
        let weights = try Weights.load(index)
        #expect(try weights.tensor("a", shape: [2]).array(of: Float.self) == [1, 1])
        #expect(try weights.tensor("b", shape: [3]).array(of: Float.self) == [0, 0, 0])
        try Data(#"{"weight_map": {"a": "two.safetensors"}}"#.utf8).write(to: index)
        #expect(throws: SafetensorsError.self) { try Weights.load(index) }
    }

    @Test(
        "kinds of damage cause different errors",
        arguments: [
            (SafetensorsTests.file(header: "", data: 0).prefix(4), "not a safetensors file"),
            (SafetensorsTests.file(header: "{}", data: 5), "accounts for"),
            (SafetensorsTests.file(header: "{]", data: 0), "not JSON"),
            (SafetensorsTests.file(header: "[1]", data: 0), "not a JSON object"),
            (Data([255, 255, 255, 255, 255, 255, 255, 127, 0, 0]), "claims"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}"#, data: 4), "unknown dtype"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, data: 4), "shape"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, data: 4), "needs 8 bytes"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 3), "half-finished download"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, data: 8), "gap"),
            (
                SafetensorsTests.file(
                    header: #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4),
                "overlaps"
            ),
            (
                SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}}"#, data: 4),
                "impossible shape"
            ),
            (SafetensorsTests.file(header: String(repeating: "[", count: 100_000), data: 0), "nested too deep"),
            (
                SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[0,4611686018427387904,8],"data_offsets":[0,0]}}"#, data: 0),
                "impossible shape"
            ),
            (
                SafetensorsTests.file(
                    header: #"{"x":{"dtype":"F32","shape":[\#((0..<33).map { _ in "1" }.joined(separator: ","))],"data_offsets":[0,4]}}"#, data: 4),
                "33 axes"
            ),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}"#, data: 4), "whole numbers"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, data: 4), "whole numbers"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, data: 4), "two data_offsets in order"),
            (SafetensorsTests.file(header: #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775808]}}"#, data: 4), "data_offsets"),
            (
                SafetensorsTests.file(
                    header: #"{"x":{"dtype":"F32","shape":[0],"data_offsets":[9223372036854775807,9223372036854775807]}}"#, data: 0),
                "impossible data_offsets"
            ),
            (
                SafetensorsTests.file(
                    header: #"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: 4),
                "a name occurs twice"
            ),
            (SafetensorsTests.file(header: #"{"x":7}"#, data: 0), "not described"),
            (SafetensorsTests.file(header: #"{"__metadata__":{"a":1}}"#, data: 0), "__metadata__"),
        ])
    func damage(bytes: Data, expected: String) throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "x.safetensors")
        try bytes.write(to: url)
        let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(url) }
        #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
        #expect(error?.description.contains("x.safetensors") == true)
    }

    @Test("a write that fails leaves no file")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let url = folder.url.appending(path: "missing/x.safetensors")
        #expect(throws: SafetensorsError.self) { try SafetensorsWriter.write(["a": .ones([1])], to: url) }
        let directory = folder.url.appending(path: "taken")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        try Data("x".utf8).write(to: directory.appending(path: "file"))
        #expect(throws: SafetensorsError.self) { try SafetensorsWriter.write(["a": .ones([1])], to: directory) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["taken"])
    }
}
