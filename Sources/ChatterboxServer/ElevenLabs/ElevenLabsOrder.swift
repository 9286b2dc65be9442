import Foundation
import Hummingbird
import SpeechAudio

extension SpeechOrder {
    /// Reads a request of ElevenLabs' HTTP API.
    ///
    /// - Parameters:
    ///   - voice: the voice in the path.
    ///   - query: the parameters of the address.
    ///   - limit: the largest number of characters of text.
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

    /// Takes the voice settings: only the speed is used, because these models have no equivalent of the others.
    mutating func take(_ settings: inout RequestFields, isStrict: Bool) throws {
        try takeSpeed(from: &settings)
        ignore(["stability", "similarity_boost", "style", "use_speaker_boost"].filter { settings.ignore($0) })
        try refuseOrIgnore(settings.unknown, isStrict: isStrict)
    }

    private mutating func ignore(_ names: [String]) {
        if !names.isEmpty { warnings.append("\(names.joined(separator: ", ")): ignored, since these models have no such setting") }
    }
}

/// The formats that have a name in ElevenLabs' API.
enum OutputFormats {
    /// The default format.
    static let standard = "mp3_44100_128"

    /// All formats with their names, in ElevenLabs' order.
    static let all: [(name: String, format: SoundFormat)] = {
        var all = [(22_050, 32), (24_000, 48), (44_100, 32), (44_100, 64), (44_100, 96), (44_100, 128), (44_100, 192)].map {
            (rate: Int, kilobits: Int) in
            ("mp3_\(rate)_\(kilobits)", SoundFormat(.mp3, sampleRate: rate, bitRate: kilobits * 1000))
        }
        for (name, format) in [("pcm", AudioFormat.pcm), ("wav", .wav)] {
            all += [8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000].map { (rate: Int) in
                ("\(name)_\(rate)", SoundFormat(format, sampleRate: rate))
            }
        }
        all.append(("ulaw_8000", SoundFormat(.pcm, sampleRate: 8000, encoding: .muLaw)))
        all.append(("alaw_8000", SoundFormat(.pcm, sampleRate: 8000, encoding: .aLaw)))
        // Opus is always decoded at 48 kHz.
        all += [32, 64, 96, 128, 192].map { ("opus_48000_\($0)", SoundFormat(.opus, sampleRate: 48_000, bitRate: $0 * 1000)) }
        return all
    }()

    /// - Throws: ``APIError`` that lists the formats.
    static func format(_ name: String) throws -> SoundFormat {
        guard let known = all.first(where: { $0.name == name }) else {
            throw APIError.invalid(
                "output_format is \(name), which this server does not make; known are \(all.map(\.name).joined(separator: ", "))", "output_format")
        }
        return known.format
    }
}

extension SoundFormat {
    /// The content type of a response in this format.
    var mediaType: String {
        switch (format, encoding) {
        case (.pcm, .muLaw): "audio/basic"
        case (.pcm, .aLaw): "audio/x-alaw-basic"
        default: format.mediaType
        }
    }
}
