import Testing

@testable import Chatterbox

@Suite("RecentlyUsed") struct RecentlyUsedTests {
    @Test("the least recently used values are removed; a new one is kept whatever it costs") func order() {
        var cache = RecentlyUsed<String, Int>(limit: 10) { $0 }
        cache.insert(4, for: "a")
        cache.insert(5, for: "b")
        #expect(cache.use("a") == 4 && cache.use("c") == nil)
        cache.insert(3, for: "c")
        #expect(cache.use("b") == nil && cache.use("a") == 4 && cache.use("c") == 3)
        cache.insert(20, for: "d")
        #expect(cache.use("a") == nil && cache.use("c") == nil && cache.use("d") == 20)
        cache.removeAll()
        #expect(cache.use("d") == nil)
    }
}
