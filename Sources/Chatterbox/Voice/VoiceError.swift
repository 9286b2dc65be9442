import FileSupport
import Torch

/// An error in a prepared voice.
public enum VoiceError: Error, CustomStringConvertible, Equatable {
    /// The file is of the right kind but lacks a part of a voice.
    case missing(source: String, tensor: String)
    /// A newer program wrote the file.
    case version(source: String, found: String)
    case shape(source: String, tensor: String, expected: String, found: [Int])
    case token(source: String, tensor: String, found: Int, count: Int)
    case notFinite(source: String, tensor: String)
    /// The file's metadata about its origin or its recording cannot be read.
    case metadata(source: String, name: String)
    /// Other networks or rules than the model's made the voice: speech in it would be wrong.
    ///
    /// - Parameters:
    ///   - differing: in what they differ; not empty.
    ///   - maker: the model that made it, where that is known.
    ///   - hasRecording: whether it contains the recording, from which the model could make it again.
    case otherOrigin(voice: String, differing: [VoiceOrigin.Part], maker: String?, model: String, hasRecording: Bool)

    public var description: String {
        switch self {
        case .missing(let source, let tensor):
            "\(source): not a prepared voice, it has no tensor \"\(tensor)\""
        case .version(let source, let found):
            "\(source): a voice of version \(found.shown(limit: 20)); this program reads version \(Voice.fileVersion)"
        case .shape(let source, let tensor, let expected, let found):
            "\(source): \"\(tensor)\" should be \(expected), found \(found); it was made for another model"
        case .token(let source, let tensor, let found, let count):
            "\(source): \"\(tensor)\" contains \(found), speech tokens are 0 to \(count - 1); the file is damaged"
        case .notFinite(let source, let tensor):
            "\(source): \"\(tensor)\" contains values that are NaN or infinite; the file is damaged"
        case .metadata(let source, let name):
            "\(source): its metadata \"\(name)\" cannot be read; the file is damaged"
        case .otherOrigin(let voice, let differing, let maker, let model, let hasRecording):
            "\(voice): made with \(differing.contrast(of: maker, with: model)); speech in this voice would be wrong; "
                + (hasRecording
                    ? "prepare it for this model first, from the recording that it contains"
                    : "it contains no recording from which it could be made again")
        }
    }
}
