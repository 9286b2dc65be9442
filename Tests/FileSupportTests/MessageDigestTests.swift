import Testing

@testable import FileSupport

@Suite("Digests")
struct MessageDigestTests {
    /// Vectors of FIPS 180-4's examples and of NIST's "SHA-256 short messages".
    @Test(
        "messages have their published SHA-256 digests",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        ])
    func published(message: String, digest: String) { #expect(SHA256.digest(message.utf8) == digest) }

    /// Vectors of FIPS 180-4's examples; the last is git's digest of an empty file.
    @Test(
        "messages have their published SHA-1 digests",
        arguments: [
            ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            ("blob 0\0", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
        ])
    func publishedSHA1(message: String, digest: String) {
        #expect(MessageDigest.digits(MessageDigest.of(message.utf8, by: .sha1)) == digest)
    }

    @Test("a message in pieces has the digest of the whole", arguments: [1, 55, 64, 1000]) func pieces(length: Int) {
        let message = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        var digest = MessageDigest(.sha256)
        for start in stride(from: 0, to: message.count, by: length) { digest.update(message[start..<min(start + length, message.count)]) }
        #expect(digest.finishInDigits() == SHA256.digest(message))
    }

    @Test("the bytes so far have a digest, and the message can continue") func soFar() {
        var digest = MessageDigest(.sha256)
        digest.update("a".utf8)
        #expect(digest.copy().finishInDigits() == SHA256.digest("a".utf8))
        digest.update("bc".utf8)
        #expect(digest.finishInDigits() == SHA256.digest("abc".utf8))
    }

    @Test("a million letters that are not in an array have the published digest") func million() {
        var digest = MessageDigest(.sha256)
        for _ in 0..<1000 { digest.update(repeatElement(UInt8(ascii: "a"), count: 1000)) }
        #expect(digest.finishInDigits() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}
