import Testing

@testable import FileSupport

@Suite("Tables as text") struct DelimitedTextTests {
    @Test("fields in quotes contain delimiters, quotes and ends of lines") func quotes() {
        let rows = DelimitedText("a,b\r\n\"x, \"\"y\"\"\r\nz\" , 2 \n\n  \n\"open,1", delimiter: ",").rows
        #expect(rows.map(\.fields) == [["a", "b"], ["x, \"y\"\r\nz", "2"], ["open,1"]])
        #expect(rows.map(\.line) == [1, 2, 6])
        #expect(rows.map(\.isOpen) == [false, false, true])
    }

    @Test("without quotes these are text, and empty fields are counted") func plain() {
        let rows = DelimitedText("1|\"She said|\n2||b", delimiter: "|", quotes: false).rows
        #expect(rows.map(\.fields) == [["1", "\"She said", ""], ["2", "", "b"]])
    }
}
