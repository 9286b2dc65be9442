import Chatterbox
import Foundation
import Kernels
import Torch

/// A model with random weights, from which the same networks can be created on any device and in any arithmetic.
struct CheckModel {
    /// For example "Llama".
    let name: String
    let configuration: ModelConfiguration
    private let t3, s3Gen, voiceEncoder, watermark: [String: Tensor]

    /// - Throws: ``TorchError`` if there is not enough memory for the weights.
    init(_ kind: Kind, size: CheckSize, seed: UInt64 = 1) throws {
        name = kind.rawValue
        configuration = size == .small ? kind.configuration.tiny : kind.configuration
        let configuration = configuration
        func drawn(_ make: (Weights) throws -> Void) throws -> [String: Tensor] {
            let weights = Weights(initialising: try Generator(seed: seed))
            try make(weights)
            return weights.parameters
        }
        t3 = try drawn { _ = try T3($0, configuration.t3) }
        s3Gen = try drawn { _ = try S3Gen($0, configuration.s3Gen) }
        voiceEncoder = try drawn { _ = try VoiceEncoder($0, configuration.voiceEncoder) }
        watermark = try drawn { _ = try Watermarker($0, Self.watermarkSizes(size)) }
        self.size = size
    }

    private let size: CheckSize

    /// The kinds of models with different computations.
    enum Kind: String, CaseIterable {
        /// The English model: Llama with guidance, ten guided steps of flow.
        case llama = "Llama"
        /// Turbo: GPT-2, two steps of mean flow.
        case gpt2 = "GPT-2, mean flow"

        var configuration: ModelConfiguration { self == .llama ? .chatterbox : .turbo }
    }

    private static func watermarkSizes(_ size: CheckSize) -> WatermarkConfiguration {
        size == .small ? WatermarkConfiguration(hiddenSize: 32) : .perth
    }

    /// The networks on the exact path.
    func exactNetworks() throws -> CheckNetworks { try networks(on: .cpu, dtype: .float32, packing: nil) }

    /// The networks on a device, in one kind of arithmetic.
    ///
    /// - Throws: ``TorchError`` if the device has no memory left for them.
    func networks(on device: Device, _ arithmetic: CheckedArithmetic) throws -> CheckNetworks {
        try networks(on: device, dtype: arithmetic.dtype, packing: arithmetic.packing)
    }

    private func networks(on device: Device, dtype: DType, packing: Quantization?) throws -> CheckNetworks {
        func weights(_ tensors: [String: Tensor], _ dtype: DType = .float32) throws -> Weights {
            Weights(tensors: try tensors.mapValues { try $0.to(dtype).to(device) }, named: "random weights")
        }
        let t3 = try T3(weights(self.t3, dtype), configuration.t3)
        let s3Gen = try S3Gen(weights(self.s3Gen), configuration.s3Gen, flowType: dtype)
        let team = try packing.map { _ in try ThreadTeam(threads: ComputeOptions.defaultThreads) }
        return CheckNetworks(
            device: device, team: team, t3: t3,
            packedT3: try packing.flatMap { packing in
                try team.map { try PackedT3(t3, format: packing.format, team: $0) }
            },
            s3Gen: try packing.flatMap { packing in try team.map { try s3Gen.packed(packing, team: $0) {} } } ?? s3Gen,
            voiceEncoder: try VoiceEncoder(weights(voiceEncoder), configuration.voiceEncoder),
            watermarker: try Watermarker(weights(watermark), Self.watermarkSizes(size), device: device))
    }
}

/// The size of the networks that are checked.
public enum CheckSize: String, Sendable, Hashable, Codable, CaseIterable {
    /// A thousandth of a real model's weights, with every kind of layer.
    case small
    /// The sizes of the real models.
    case full

    /// The memory that a check needs, in bytes: twice the largest model's weights, and activations.
    var memory: Int { self == .small ? 0 : 9 << 30 }
}

/// The networks that a stage runs.
struct CheckNetworks {
    let device: Device
    /// The threads of the packed kernels; nil if those are not checked.
    let team: ThreadTeam?
    let t3: T3
    /// T3 for the CPU's kernels; nil if those are not checked.
    let packedT3: PackedT3?
    let s3Gen: S3Gen
    let voiceEncoder: VoiceEncoder
    let watermarker: Watermarker
}
