import FileSupport
import Foundation

/// An adapter that cannot be read, or that does not fit a model.
public enum AdapterError: Error, CustomStringConvertible, Equatable {
    case notAnAdapter(URL, reason: String)
    /// A feature of PEFT that this package does not support.
    case unsupported(URL, what: String)
    case configuration(URL, reason: String)
    case unknownLayers(adapter: String, layers: [String], known: [String])
    case shape(adapter: String, tensor: String, expected: String, found: [Int])
    case otherBase(adapter: String, expected: String, baseName: String?, found: String)
    case noLayers(backbone: String)
    /// It changes another network than the one that it is applied to.
    case otherPart(adapter: String, part: Adapter.Part)
    /// Names of layers that training is to adapt and that the network does not have.
    case noSuchModules([String], known: [String])
    case noSuchLayers([Int], count: Int)
    case rank(Int)
    /// Captured CUDA graphs cannot contain adapters.
    case noAdapters(device: String, adapter: String)

    public var description: String {
        switch self {
        case .notAnAdapter(let url, let reason):
            return
                "\(url.path): not an adapter: \(reason); expected a file that this package wrote, or a folder of PEFT's with adapter_config.json and "
                + "adapter_model.safetensors"
        case .unsupported(let url, let what):
            return "\(url.path): the adapter has \(what); only low-rank matrices (LoRA) for the transformer's linear layers are supported"
        case .configuration(let url, let reason):
            return "\(url.path): the adapter's configuration cannot be read: \(reason.shown(limit: 300))"
        case .unknownLayers(let adapter, let layers, let known):
            let more = layers.count > 1 ? " and \(layers.count - 1) more" : ""
            return
                "\(adapter): made for another kind of model: it changes \(layers[0])\(more), and the layers of this model are \(known.first ?? "none")"
                + (known.count > 1 ? " to \(known[known.count - 1])" : "")
        case .shape(let adapter, let tensor, let expected, let found):
            return "\(adapter): made for a model of another size: \(tensor) is \(found), expected \(expected)"
        case .otherBase(let adapter, let expected, let baseName, let found):
            return
                "\(adapter): made for another model\(baseName.map { " (\($0))" } ?? ""): that one's weights have the digest \(expected.prefix(12)), "
                + "this one's \(found.prefix(12))"
        case .noAdapters(let device, let adapter):
            return
                "\(adapter): requests with adapters can only be computed on a CPU so far, and this model is on \(device); merge the adapter into a model "
                + "for it"
        case .otherPart(let adapter, .flow):
            return
                "\(adapter): it changes the flow, which belongs to a loaded model and not to a request; load the model with it, or merge it into one"
        case .otherPart(let adapter, .t3):
            return "\(adapter): it changes T3 and not the flow; give it with requests"
        case .noSuchModules(let names, let known):
            return "no layers are named \(names.joined(separator: ", ")); this model has \(known.joined(separator: ", ")), and \"attention\" and "
                + "\"feed-forward\" for several at once"
        case .noSuchLayers(let layers, let count):
            return "the model has no layer \(layers.map(String.init).joined(separator: ", ")); its layers are 0 to \(count - 1)"
        case .rank(let rank): return "a rank of \(rank) is not possible; it is at least 1 and at most 1024"
        case .noLayers(let backbone):
            return "a transformer of type \(backbone) does not support adapters"
        }
    }
}
