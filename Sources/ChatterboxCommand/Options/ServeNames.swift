#if Server
    import ArgumentParser
    import Foundation

    /// The options of `chatterbox serve` that a file or the environment may set, with their names there and their types.
    enum ServeNames {
        /// The type of an option.
        enum Kind {
            case text, whole, number, flag, list, bytes

            var words: String {
                switch self {
                case .text: "a text"
                case .whole: "a whole number"
                case .number: "a number"
                case .flag: "true or false"
                case .list: "a list of texts"
                case .bytes: "bytes, as 8G or a whole number"
                }
            }
        }

        /// By the names in a file, such as `apiKeyFile`.
        static let kinds: [String: Kind] = {
            let options = [Mirror(reflecting: ServeArguments()), Mirror(reflecting: ComputeArguments())].flatMap(\.children)
            var kinds: [String: Kind] = [:]
            for option in options {
                guard let label = option.label, label.hasPrefix("_") else { continue }
                kinds[String(label.dropFirst())] =
                    switch option.value {
                    case is Flag<Bool>: .flag
                    case is Option<Int?>: .whole
                    case is Option<Double?>: .number
                    case is Option<[String]>: .list
                    case is Option<ByteCount?>: .bytes
                    default: .text
                    }
            }
            // A file cannot name another file.
            kinds["config"] = nil
            return kinds
        }()

        /// The environment variable of an option: CHATTERBOX_API_KEY_FILE for apiKeyFile.
        static func variable(_ name: String) -> String {
            prefix + name.replacing(/[A-Z]/) { "_\($0.output)" }.uppercased()
        }

        private static let prefix = "CHATTERBOX_"

        /// Checks that a file contains only options, each of the right type.
        ///
        /// - Throws: ``UsageError`` that names the first wrong one.
        static func check(file: String) throws {
            guard let data = FileManager.default.contents(atPath: file) else {
                throw UsageError("--config \(file): there is no such file, or it cannot be read")
            }
            let values: [String: FileValue]
            do { values = try JSONDecoder().decode([String: FileValue].self, from: data) } catch {
                throw UsageError("--config \(file): this is not a JSON object of options, as {\"port\": 9000, \"apiKeyFile\": \"keys.txt\"}")
            }
            for (name, value) in values.sorted(by: { $0.key < $1.key }) {
                guard let kind = kinds[name] else {
                    throw UsageError("--config \(file): there is no option \"\(name)\"\(hint(name, Array(kinds.keys)))")
                }
                guard value.fits(kind) else { throw UsageError("--config \(file): \"\(name)\" must be \(kind.words)") }
            }
        }

        /// The same for variables of the environment.
        ///
        /// - Throws: ``UsageError``.
        static func check(environment: [String: String]) throws {
            let known = Dictionary(uniqueKeysWithValues: kinds.map { (variable($0.key), $0.value) })
            for (name, value) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(prefix) && !isOfOthers(name) {
                guard let kind = known[name] else {
                    throw UsageError("the environment has \(name), which is no option\(hint(name, Array(known.keys))); unset it")
                }
                guard fits(value, kind) else { throw UsageError("\(name) is \(value) in the environment; it must be \(kind.words)") }
            }
        }

        /// Whether a variable is not meant as an option: the name of the file, the key of a client, or a variable that Kubernetes sets for a service
        /// called chatterbox.
        private static func isOfOthers(_ name: String) -> Bool {
            ["CONFIG", "KEY"].contains(name.dropFirst(prefix.count))
                || name.wholeMatch(of: /CHATTERBOX_(SERVICE_(HOST|PORT\w*)|PORT_[0-9]+_(TCP|UDP|SCTP)\w*)/) != nil
        }

        private static func fits(_ text: String, _ kind: Kind) -> Bool {
            switch kind {
            case .text, .list: true
            case .whole: Int(text) != nil
            case .number: Double(text).map(\.isFinite) ?? false
            case .flag: ["yes", "no", "1", "0", "true", "false"].contains(text.lowercased())
            case .bytes: ByteCount(argument: text) != nil
            }
        }

        // MARK: suggestions

        /// The known name that is most similar to a name, or all known names if none is.
        private static func hint(_ name: String, _ known: [String]) -> String {
            let ranked = known.sorted().map { ($0, distance($0.lowercased(), name.lowercased())) }
            if let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= max(2, name.count / 4) { return "; \(best.0) is meant, perhaps" }
            return "; there are \(known.sorted().joined(separator: ", "))"
        }

        /// The number of letters that must be changed, added, removed or exchanged with the next one to turn one name into the other.
        static func distance(_ first: String, _ second: String) -> Int {
            let (a, b) = (Array(first), Array(second))
            var table = (0...a.count).map { row in (0...b.count).map { row == 0 ? $0 : $0 == 0 ? row : 0 } }
            for (row, letter) in a.enumerated() {
                for (column, other) in b.enumerated() {
                    var least = min(table[row][column] + (letter == other ? 0 : 1), table[row][column + 1] + 1, table[row + 1][column] + 1)
                    if row > 0, column > 0, letter == b[column - 1], a[row - 1] == other { least = min(least, table[row - 1][column - 1] + 1) }
                    table[row + 1][column + 1] = least
                }
            }
            return table[a.count][b.count]
        }

        /// The value of an option in a file.
        private enum FileValue: Decodable {
            case text(String), whole, number, flag, list, other

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if (try? container.decode(Bool.self)) != nil {
                    self = .flag
                } else if (try? container.decode(Int.self)) != nil {
                    self = .whole
                } else if (try? container.decode(Double.self)) != nil {
                    self = .number
                } else if let text = try? container.decode(String.self) {
                    self = .text(text)
                } else {
                    self = (try? container.decode([String].self)) != nil ? .list : .other
                }
            }

            func fits(_ kind: Kind) -> Bool {
                switch (self, kind) {
                case (.text, .text), (.whole, .whole), (.whole, .number), (.number, .number), (.flag, .flag), (.list, .list), (.whole, .bytes): true
                case (.text(let text), .bytes): ByteCount(argument: text) != nil
                default: false
                }
            }
        }
    }
#endif
