import FileSupport
import Foundation

/// How Chinese characters are typed by their shapes, which is how the multilingual models spell them (upstream:
/// `ChineseCangjieConverter`).
struct CangjieTable: Sendable {
    static let fileName = "Cangjie5_TC.json"

    /// Each character's keys, and where several share them, its place among those.
    private let codes: [Unicode.Scalar: String]

    /// Reads a list of lines, each a character and its keys with a tab between them.
    ///
    /// - Throws: ``TokenizerError``.
    init(_ url: URL) throws {
        let json: ExactJSON
        do { json = try ExactJSON(SmallFile.read(url)) } catch let problem as ExactJSON.Problem {
            throw TokenizerError.malformed(url, problem: problem.description)
        } catch let problem as UnreadableFile {
            throw TokenizerError.unreadable(url, reason: problem.reason)
        }
        guard let lines = json.elements else { throw TokenizerError.malformed(url, problem: "not a list of characters and keys") }
        var keys: [Unicode.Scalar: Substring] = [:]
        var sharing: [Substring: [Unicode.Scalar]] = [:]
        for line in lines {
            let parts = line.text?.string.split(separator: "\t", omittingEmptySubsequences: false) ?? []
            guard parts.count >= 2 else { throw TokenizerError.malformed(url, problem: "a line without a tab") }
            let characters = parts[0].unicodeScalars
            guard characters.count == 1, let character = characters.first else { continue }
            keys[character] = parts[1]
            sharing[parts[1], default: []].append(character)
        }
        codes = Dictionary(
            uniqueKeysWithValues: keys.map { character, keys in
                let place = sharing[keys]!.firstIndex(of: character)!
                return (character, String(keys) + (place > 0 ? String(place) : ""))
            })
    }

    /// Each character that has keys as `[cj_k]` for every key and `[cj_.]` at its end.
    func encoded(_ text: String) -> String {
        var encoded = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar.properties.generalCategory == .otherLetter, let code = codes[scalar] {
                for key in code.unicodeScalars { encoded.append(contentsOf: "[cj_\(key)]".unicodeScalars) }
                encoded.append(contentsOf: "[cj_.]".unicodeScalars)
            } else {
                encoded.append(scalar)
            }
        }
        return String(encoded)
    }
}
