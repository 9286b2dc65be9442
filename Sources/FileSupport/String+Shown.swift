extension String {
    /// As it may stand in a message, whatever file it comes from: no control characters, no more than `limit` characters.
    package func shown(limit: Int = 120) -> String {
        var text = ""
        for character in prefix(limit) {
            for scalar in character.unicodeScalars.prefix(8) {
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator: text += "\\u{\(String(scalar.value, radix: 16))}"
                default: text.unicodeScalars.append(scalar)
                }
            }
        }
        return count > limit ? text + "…" : text
    }
}
