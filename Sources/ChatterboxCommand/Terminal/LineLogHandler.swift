#if Server
    import Foundation
    import Logging

    /// Writes log messages to standard error, one per line: time, level, message, and metadata as `key=value`.
    struct LineLogHandler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.notice

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let pairs = all.sorted { $0.key < $1.key }.map { " \($0.key)=\(Self.quoted("\($0.value)"))" }.joined()
            StandardError.print("\(Date().formatted(.iso8601)) \(event.level) \(event.message)\(pairs)")
        }

        /// The text, in quotation marks if it contains spaces.
        private static func quoted(_ text: String) -> String {
            text.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
                ? "\"" + text.replacing("\"", with: "\\\"").replacing("\n", with: " ") + "\"" : text
        }
    }
#endif
