import CLibcrypto

/// The digest of bytes that arrive in pieces, computed by OpenSSL's libcrypto.
///
/// Nothing else refers to its context, so that it can be passed to another thread.
package struct MessageDigest: ~Copyable, @unchecked Sendable {
    package enum Function {
        /// 20 bytes (FIPS 180-4), for git and WebSocket's handshake; not secure against forgery.
        case sha1
        /// 32 bytes (FIPS 180-4).
        case sha256

        fileprivate var implementation: OpaquePointer { self == .sha1 ? EVP_sha1() : EVP_sha256() }
    }

    private let context: OpaquePointer

    package init(_ function: Function) {
        context = Self.makeContext { EVP_DigestInit_ex($0, function.implementation, nil) }
    }

    private init(copying other: OpaquePointer) { context = Self.makeContext { EVP_MD_CTX_copy_ex($0, other) } }

    private static func makeContext(_ prepare: (OpaquePointer) -> Int32) -> OpaquePointer {
        // Both fail only when no memory is left.
        guard let context = EVP_MD_CTX_new(), prepare(context) == 1 else { fatalError("libcrypto has no memory for a digest") }
        return context
    }

    /// A second digest that starts from the bytes received so far.
    package func copy() -> MessageDigest { MessageDigest(copying: context) }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        precondition(EVP_DigestUpdate(context, start, bytes.count) == 1, "libcrypto refuses bytes for a digest")
    }

    package mutating func update(_ bytes: some Collection<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// Completes the digest.
    package consuming func finish() -> [UInt8] {
        var count: UInt32 = 0
        return [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { bytes, initialized in
            precondition(EVP_DigestFinal_ex(context, bytes.baseAddress, &count) == 1, "libcrypto cannot finish a digest")
            initialized = Int(count)
        }
    }

    /// Completes the digest and returns it as hexadecimal digits, two for each byte.
    package consuming func finishInDigits() -> String { Self.digits(finish()) }

    package static func digits(_ digest: some Sequence<UInt8>) -> String {
        digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// The digest of bytes that are all in memory.
    package static func of(_ bytes: some Collection<UInt8>, by function: Function) -> [UInt8] {
        var message = MessageDigest(function)
        message.update(bytes)
        return message.finish()
    }
}

/// SHA-256 of bytes that are all in memory.
package enum SHA256 {
    /// 64 hexadecimal digits.
    package static func digest(_ bytes: some Collection<UInt8>) -> String { MessageDigest.digits(MessageDigest.of(bytes, by: .sha256)) }
}
