import FileSupport
import Foundation
import Synchronization

/// Segments Chinese text with a list of words and their frequencies: of all segmentations of a text it chooses the most probable.
///
/// Reads jieba's dictionary and segments as `jieba.cut(text, HMM=False)` does. Upstream uses pkuseg, with which 97 % of the boundaries agree; a
/// ``LanguageHelper`` can provide pkuseg's words.
final class ChineseSegmenter: Sendable {
    private let file: URL
    private let dictionary = Mutex<Dictionary?>(nil)

    private struct Dictionary {
        var frequencies: [ExactText: Int] = [:]
        /// The logarithm of the sum of all frequencies.
        var total = 0.0
        /// The number of scalars of the longest word.
        var longest = 1
    }

    /// - Parameter file: lines with a word, its frequency and its kind; the file is read when the first text is segmented.
    init(_ file: URL) { self.file = file }

    private func read() throws -> Dictionary {
        let data: Data
        do { data = try Data(contentsOf: file) } catch { throw TokenizerError.unreadable(file, reason: error.localizedDescription) }
        var read = Dictionary(), sum = 0
        for line in data.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: " "), maxSplits: 2)
            guard parts.count >= 2, let frequency = Int(String(decoding: parts[1], as: UTF8.self)), (1...1 << 40).contains(frequency)
            else { continue }
            let word = String(decoding: parts[0], as: UTF8.self)
            read.frequencies[ExactText(word)] = frequency
            read.longest = max(read.longest, min(32, word.unicodeScalars.count))
            sum += frequency
        }
        guard sum > 0 else { throw TokenizerError.malformed(file, problem: "no lines of a word and its frequency") }
        read.total = log(Double(sum))
        return read
    }

    /// The words of a text; white space is left out.
    ///
    /// - Throws: ``TokenizerError`` if the dictionary cannot be read.
    func words(_ text: String) throws -> [String] {
        let dictionary = try dictionary.withLock { known in
            let dictionary = try known ?? read()
            known = dictionary
            return dictionary
        }
        var words: [String] = []
        var rest = Array(text.unicodeScalars)[...]
        while let first = rest.first {
            let end = rest.firstIndex { $0.isChineseText != first.isChineseText } ?? rest.endIndex
            let block = rest[..<end]
            words += first.isChineseText ? cut(block, dictionary) : block.filter { !$0.isPythonSpace }.map { String($0) }
            rest = rest[end...]
        }
        return words
    }

    /// The most probable words of a block; Latin letters and digits that belong to no word stay together.
    private func cut(_ block: ArraySlice<Unicode.Scalar>, _ dictionary: Dictionary) -> [String] {
        let scalars = Array(block), count = scalars.count
        var best = [(score: Double, end: Int)](repeating: (0, 0), count: count + 1)
        for start in stride(from: count - 1, through: 0, by: -1) {
            // A character with which no word begins counts as a word of frequency 1.
            var choice = (score: -dictionary.total + best[start + 1].score, end: start + 1)
            var isKnown = false
            for end in (start + 1)...min(count, start + dictionary.longest) {
                guard let frequency = dictionary.frequencies[ExactText(scalars[start..<end])] else { continue }
                let score = log(Double(frequency)) - dictionary.total + best[end].score
                if !isKnown || score >= choice.score { choice = (score, end) }
                isKnown = true
            }
            best[start] = choice
        }
        var words: [String] = [], latin = "", start = 0
        while start < count {
            let end = best[start].end
            let word = String(String.UnicodeScalarView(scalars[start..<end]))
            if end == start + 1, scalars[start].isASCII,
                scalars[start].properties.isAlphabetic || scalars[start].properties.numericType != nil
            {
                latin += word
            } else {
                if !latin.isEmpty { words.append(latin) }
                latin = ""
                words.append(word)
            }
            start = end
        }
        return latin.isEmpty ? words : words + [latin]
    }
}

extension Unicode.Scalar {
    /// Characters in which jieba looks for words: ideographs, Latin letters, digits, and marks within names and numbers.
    fileprivate var isChineseText: Bool {
        (0x4E00...0x9FD5).contains(value) || (isASCII && (properties.isAlphabetic || properties.numericType != nil))
            || ["+", "#", "&", ".", "_", "%", "-"].contains(self)
    }
}

/// The Cangjie keys with which Chinese characters are typed; the multilingual models spell characters by them (upstream: `ChineseCangjieConverter`).
struct CangjieTable: Sendable {
    static let fileName = "Cangjie5_TC.json"

    /// Each character's keys and, if several characters share them, its index among those.
    private let codes: [Unicode.Scalar: String]

    /// Reads lines that contain a character, a tab and the character's keys.
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

    /// Replaces each character that has keys by `[cj_k]` for every key k, and `[cj_.]` at the end.
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
