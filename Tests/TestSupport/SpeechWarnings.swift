import Chatterbox

extension [SpeechWarning] {
    /// Those that are not about how long the speech became: random weights end where they like.
    public var besideLength: [SpeechWarning] { filter { ![.cutShort, .oddLength, .redrawn].contains($0.kind) } }
}
