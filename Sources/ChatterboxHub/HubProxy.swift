import Foundation

/// A proxy between this machine and the hub.
public struct HubProxy: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// An HTTP proxy with tunnels (CONNECT), which are used for hubs with and without TLS: the HTTP client supports only tunnels, so a proxy
        /// that forwards requests for `http://` without tunnels cannot be used.
        case http
        /// SOCKS version 5, without a name and a password.
        case socks
    }

    public let host: String
    public let port: Int
    public let kind: Kind
    /// Sent only to the proxy.
    public let user, password: String?

    public init(host: String, port: Int, kind: Kind = .http, user: String? = nil, password: String? = nil) {
        (self.host, self.port, self.kind, self.user, self.password) = (host, port, kind, user, password)
    }

    /// The proxy named by `HTTPS_PROXY` (or `HTTP_PROXY`, for an endpoint without TLS) or else by `ALL_PROXY`, in lower or upper case, unless
    /// `NO_PROXY` lists the hub. curl and Python's client do the same.
    ///
    /// `host:port`, `http://user:password@host:port` and `socks5://host:port` are understood.
    /// - Throws: ``HubError/proxy(_:problem:)`` for an invalid address, and for a kind of proxy that is not supported.
    init?(environment: [String: String], endpoint: String) throws(HubError) {
        let hub = URL(string: endpoint)
        let variable = hub?.scheme == "http" ? "http_proxy" : "https_proxy"
        let names = [variable, variable.uppercased(), "all_proxy", "ALL_PROXY"]
        guard let address = names.lazy.compactMap({ environment[$0]?.trimmingCharacters(in: .whitespaces).nonEmpty }).first else { return nil }
        guard !Self.isExcepted(hub, by: environment["no_proxy"]?.nonEmpty ?? environment["NO_PROXY"] ?? "") else { return nil }
        try self.init(address)
    }

    /// - Throws: ``HubError/proxy(_:problem:)``.
    init(_ address: String) throws(HubError) {
        // An address without a scheme is that of an HTTP proxy.
        let parts = address.range(of: "://"), scheme = parts.map { address[..<$0.lowerBound].lowercased() } ?? "http"
        var rest = String(parts.map { address[$0.upperBound...] } ?? address[...])
        if let end = rest.firstIndex(of: "/") { rest = String(rest[..<end]) }
        var user: String?, password: String?
        if let sign = rest.lastIndex(of: "@") {
            // A password may contain a colon, and percent-encoded characters such as %40.
            let fields = rest[..<sign].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map {
                String($0).removingPercentEncoding ?? String($0)
            }
            (user, password) = (fields[0], fields.count > 1 ? fields[1] : "")
            rest = String(rest[rest.index(after: sign)...])
        }
        // Messages do not contain the password.
        let shown = "\(scheme)://\(rest)"
        let kind: Kind, usual: Int
        switch scheme {
        case "http": (kind, usual) = (.http, 80)
        case "socks5", "socks5h", "socks": (kind, usual) = (.socks, 1080)
        case "https": throw .proxy(shown, problem: "a proxy that is reached by TLS is not supported; give one that begins with http://")
        case "socks4", "socks4a": throw .proxy(shown, problem: "SOCKS 4 is not supported; socks5:// and http:// are")
        default: throw .proxy(shown, problem: "\(scheme) is not a supported kind of proxy; http:// and socks5:// are")
        }
        if kind == .socks, user != nil { throw .proxy(shown, problem: "SOCKS with a name and a password is not supported; http:// is") }
        let (host, port) = Self.place(rest)
        guard let host, !host.isEmpty, !host.contains(where: \.isWhitespace) else {
            throw .proxy(shown, problem: "it has no host; expected one such as http://proxy.example.com:3128")
        }
        guard let port else { throw .proxy(shown, problem: "its port is not a number from 1 to 65535") }
        self.init(host: host, port: port == 0 ? usual : port, kind: kind, user: user, password: password)
    }

    /// Host and port of `host`, `host:port` or `[::1]:port`; the port is 0 if none is given, and nil if it is invalid.
    private static func place(_ text: String) -> (host: String?, port: Int?) {
        var host = text[...], port: Substring?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            port = rest.hasPrefix(":") ? rest.dropFirst() : nil
        } else if let colon = text.lastIndex(of: ":") {
            (host, port) = (text[..<colon], text[text.index(after: colon)...])
        }
        guard let port, !port.isEmpty else { return (String(host), 0) }
        return (String(host), Int(port).flatMap { (1...65535).contains($0) ? $0 : nil })
    }

    /// Whether a list such as `localhost,.example.com,10.0.0.0/8,hub.example.com:8080` contains the hub.
    private static func isExcepted(_ hub: URL?, by list: String) -> Bool {
        guard let name = hub?.host()?.lowercased() else { return false }
        let port = hub?.port ?? (hub?.scheme == "http" ? 80 : 443)
        return list.split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
            var entry = entry.lowercased()
            if entry == "*" { return true }
            if let range = AddressRange(entry) { return range.contains(name) }
            if let colon = entry.lastIndex(of: ":"), let wanted = Int(entry[entry.index(after: colon)...]) {
                guard wanted == port else { return false }
                entry = String(entry[..<colon])
            }
            let suffix = entry.hasPrefix("*.") ? entry.dropFirst(2) : entry.hasPrefix(".") ? entry.dropFirst() : entry[...]
            return !suffix.isEmpty && (name == suffix || name.hasSuffix("." + suffix))
        }
    }

    /// For example `10.0.0.0/8`.
    private struct AddressRange {
        private let network: UInt32
        private let bits: UInt32

        init?(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1)
            guard parts.count == 2, let network = Self.number(String(parts[0])), let bits = UInt32(parts[1]), bits <= 32 else { return nil }
            (self.network, self.bits) = (network, bits)
        }

        func contains(_ address: String) -> Bool {
            guard let number = Self.number(address) else { return false }
            return bits == 0 || number >> (32 - bits) == network >> (32 - bits)
        }

        private static func number(_ address: String) -> UInt32? {
            let parts = address.split(separator: ".", omittingEmptySubsequences: false).map { UInt32($0) }
            guard parts.count == 4, parts.allSatisfy({ $0.map { $0 < 256 } ?? false }) else { return nil }
            return parts.reduce(0) { $0 << 8 | $1! }
        }
    }
}
