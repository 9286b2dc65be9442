import Foundation
import Hummingbird
import SpeechAudio

extension SpeechOrder {
    /// What an ElevenLabs client asks for by HTTP.
    ///
    /// - Parameters:
    ///   - voice: of the path.
    ///   - query: of the address.
    ///   - limit: the most characters of text.
    ///   - isStrict: whether unknown fields are refused.
    /// - Throws: ``APIError`` naming the field.
    init(elevenLabs body: Data, voice: String, query: Parameters, limit: Int, isStrict: Bool) throws {
        var fields = try RequestFields(parsing: body)
        guard let text = try fields.string("text") else { throw APIError.missing("text") }
        try Self.check(text, "text", limit: limit)
        self.init(model: ElevenLabs.model(try fields.string("model_id")), input: text, voice: voice)
        shape = .elevenLabs
        sound = try OutputFormats.format(query["output_format"].map(String.init) ?? OutputFormats.standard)
        try setLanguage(fields.string("language_code"))
        manner.seed = try fields.seed()
        var settings = try fields.object("voice_settings")
        try take(&settings, isStrict: isStrict)
        try takeManner(from: &fields)
        let ignored = [
            "previous_text", "next_text", "previous_request_ids", "next_request_ids", "pronunciation_dictionary_locators", "use_pvc_as_ivc",
            "apply_text_normalization", "apply_language_text_normalization",
        ].filter { fields.ignore($0) }
        ignore(ignored)
        try refuseOrIgnore(fields.unknown, isStrict: isStrict)
    }

    /// Takes a client's voice settings: how fast it speaks; these models have nothing that the others would mean.
    mutating func take(_ settings: inout RequestFields, isStrict: Bool) throws {
        try takeSpeed(from: &settings)
        ignore(["stability", "similarity_boost", "style", "use_speaker_boost"].filter { settings.ignore($0) })
        try refuseOrIgnore(settings.unknown, isStrict: isStrict)
    }

    private mutating func ignore(_ names: [String]) {
        if !names.isEmpty { warnings.append("\(names.joined(separator: ", ")): ignored, since these models have nothing of the kind") }
    }
}
