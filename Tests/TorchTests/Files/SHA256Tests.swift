import Testing

@testable import Torch

@Suite("SHA-256")
struct SHA256Tests {
    /// Vectors of FIPS 180-4's examples and of NIST's "SHA-256 short messages".
    @Test(
        "messages have their published digests",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            (
                "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
            ),
        ])
    func published(message: String, digest: String) {
        var sum = SHA256()
        sum.update(message.utf8)
        #expect(sum.finish() == digest)
    }

    @Test("a message in pieces has the digest of the whole", arguments: [1, 55, 56, 63, 64, 65, 1000]) func pieces(length: Int) {
        let message = Array(repeating: UInt8(ascii: "a"), count: 100_000)
        var sum = SHA256()
        for start in stride(from: 0, to: message.count, by: length) { sum.update(message[start..<min(start + length, message.count)]) }
        var whole = SHA256()
        whole.update(message)
        #expect(sum.finish() == whole.finish())
    }

    @Test("a million letters have their published digest") func million() {
        var sum = SHA256()
        for _ in 0..<1000 { sum.update(repeatElement(UInt8(ascii: "a"), count: 1000)) }
        #expect(sum.finish() == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }
}
