import Testing

@testable import SpeechText

@Suite("Text without its markup")
struct MarkedTextTests {
    @Test(
        "Markdown's marks are removed, and the words stay",
        arguments: [
            ("**Bold** and `code`", "Bold and code"), ("**Bold**text and 2**3**4", "Boldtext and 2**3**4"),
            ("*soft*, _soft_, __hard__, ***both*** and ~~gone~~.", "soft, soft, hard, both and gone."),
            ("**a *b* c**", "a b c"), ("See [the page](https://example.com/a_b) and ![a cat](cat.png).", "See the page and a cat."),
            ("A note[^1] here", "A note here"), ("[text](url \"title.\")", "[text](url \"title.\")"),
            ("<https://example.com>", "https://example.com"),
            ("[the page][1] now\n\n[1]: https://example.com", "the page now\n\n"), ("\\*not soft\\*", "*not soft*"), ("``a ` b``", "a ` b"),
            ("# Heading\nText", "Heading.\n\nText"), ("## Heading ##\n\nText", "Heading\n\nText"), ("Heading\n=======\nText", "Heading.\n\n\nText"),
            ("Buy:\n- milk\n- bread\n* eggs", "Buy:\nmilk.\nbread.\neggs"), ("1. Wash\n2. Dry", "1, Wash.\n2, Dry"),
            ("- [ ] open\n- [x] done", "open.\ndone"),
            ("> quoted\n> words", "quoted\nwords"), ("a\n\n---\n\nb", "a\n\n\n\nb"), ("<!-- hidden -->seen", "seen"),
            ("| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b.\n\n\n1, 2"), ("x\n```swift\nlet a = 1\n```\ny", "x.\n\n\ny"),
            ("---\ntitle: A\ndate: 2024\n---\nText", "\nText"), ("**Note:** *really*", "Note: really"), ("\"**No**,\" she said", "\"No,\" she said"),
            ("これは**太字**です", "これは**太字**です"),
        ]) func markdown(written: String, plain: String)
    { #expect(MarkedText(written).text == plain) }

    @Test(
        "text that is not markup is not changed",
        arguments: [
            "2 * 3 * 4", "2*3*4", "snake_case and another_name_here", "a < b and c > d", "Vector<Int> is a type", "#hashtag and C# too", "5 > 3",
            "Fish & chips; AT&T",
            "[laugh] I see", "wait [1] here", "a | b", "the * of", "~5 people", "-5 degrees", "- 5", "3. Oktober", "*", "**", "`", "x_1 and y_2",
            "C:\\new", "I <3 you",
            "100 * 2 * is *", "He said: \"Stop!\" - and left.", "www.example.com/a_b_c", "(a) and [b] (c)", "f(x)[i](j)", "5*x and 6*y", "AT&T; R&D;",
            "first line of text that goes on\nand on in the next line",
        ]) func untouched(text: String)
    { #expect(MarkedText(text).parts == [.speech(SpokenText(segments: [.init(written: text, spoken: text)]), .init())]) }

    @Test(
        "tags and entities of HTML are removed",
        arguments: [
            ("<b>Bold</b> &amp; <i>soft</i>", "Bold & soft"), ("<p>One</p><p>Two</p>", "\n\nOne.\n\n\n\nTwo.\n\n"),
            ("Line one<br>Line two", "Line one.\nLine two"),
            ("Tom &lt;tom@example.com&gt; &#8211; &#x41;&nbsp;B", "Tom <tom@example.com> – A B"),
            ("<ul><li>a</li><li>b</li></ul>", "\n\n\na.\n\nb.\n\n\n"),
            ("<style>p { color: red }</style>Text", "Text"), ("<a href=\"x\">link</a>", "link"), ("<td>1</td><td>2</td>", "1, 2"),
            ("<!DOCTYPE html>Hi", "Hi"), ("x<sub>2</sub>", "x2"),
        ]) func html(written: String, plain: String)
    { #expect(MarkedText(written).text == plain) }

    @Test("deliberate line breaks end like sentences; wrapped lines continue") func lines() {
        #expect(
            MarkedText("Chapter One\nIt was a dark night, and the wind was in the trees.").text
                == "Chapter One.\nIt was a dark night, and the wind was in the trees.")
        #expect(MarkedText("Roses are red\nViolets are blue").text == "Roses are red.\nViolets are blue")
        let wrapped = "The wind had been blowing from the east for\nthree days when the Master of the ship took\nJohn aside."
        #expect(MarkedText(wrapped).text == wrapped)
        #expect(MarkedText("第一章\n天很黑。").text == "第一章\n天很黑。")
        #expect(MarkedText("One\r\nTwo").text == "One.\r\nTwo")
    }

    @Test("code is left out, with a note") func code() {
        let text = MarkedText("Run this:\n\n```sh\nmake\nmake install\n```\n\nThen go on.")
        #expect(text.text == "Run this:\n\n\n\nThen go on.")
        #expect(text.notes == [TextNote(.codeLeftOut, "a block of code is left out (2 lines, beginning with \"make\")")])
        #expect(MarkedText("```\nnever closed").text == "\nnever closed")
    }

    @Test(
        "pauses are silences",
        arguments: [
            ("a [pause] b", 0.5), ("a [pause:1.5s] b", 1.5), ("a [pause:250ms] b", 0.25), ("a <break time=\"1s\"/> b", 1),
            ("a <break time='300ms'> b", 0.3), ("a <break/> b", 0.35),
            ("a <break strength=\"x-strong\"/> b", 1.2), ("<speak>a <break time=\"2s\"></break> b</speak>", 2),
        ]) func pauses(text: String, seconds: Double)
    {
        let parts = MarkedText(text).parts.filter { if case .speech(let text, _) = $0 { !text.text.allSatisfy(\.isWhitespace) } else { true } }
        #expect(parts.count == 3)
        #expect(parts[1] == .silence(seconds))
    }

    @Test(
        "SSML takes effect",
        arguments: [
            ("<speak>Hello <emphasis>you</emphasis>.</speak>", "Hello you."), ("<speak><p><s>One</s><s>Two</s></p></speak>", "\n\n One. Two.\n\n"),
            ("<speak><sub alias=\"World Wide Web\">WWW</sub> page</speak>", "World Wide Web page"),
            ("<say-as interpret-as=\"characters\">ABC1</say-as>", "A B C 1"),
            ("<speak><say-as interpret-as=\"telephone\">555-12</say-as></speak>", "5 5 5, 1 2"), ("<say-as interpret-as='ordinal'>3</say-as>", "3rd"),
            ("<speak xml:lang=\"fr\"><say-as interpret-as='ordinal'>2</say-as></speak>", "2e"),
            ("<say-as interpret-as=\"date\" format=\"dmy\">3/4/2024</say-as>", "2024-4-3"),
            ("<say-as interpret-as=\"cardinal\">12</say-as>", "12"), ("<speak>a &lt; b</speak>", "a < b"),
            ("<?xml version=\"1.0\"?><speak version=\"1.1\">Hi<!-- no --></speak>", "Hi"),
            ("<speak><metadata>x</metadata>Hi *you*</speak>", "Hi *you*"), ("<speak><![CDATA[a < b]]></speak>", "a < b"),
        ]) func ssml(written: String, plain: String)
    { #expect(MarkedText(written).text == plain) }

    @Test(
        "a part has the rate of its element",
        arguments: [
            ("slow", 0.8), ("fast", 1.2), ("150%", 1.5), ("+50%", 1.5), ("-25%", 0.75), ("2", 2), ("1000%", 4), ("medium", 1),
        ]) func rates(rate: String, factor: Double)
    {
        let parts = MarkedText("a <prosody rate=\"\(rate)\">b</prosody> c").parts
        let spoken = parts.first { if case .speech(let text, _) = $0 { text.text.contains("b") } else { false } }
        guard case .speech(let text, let manner) = spoken else {
            Issue.record("no stretch")
            return
        }
        #expect(manner.rate == factor)
        #expect(factor == 1 || text.text == "b")
    }

    @Test("nested rates are multiplied, and end") func nesting() {
        let parts = MarkedText("<speak><prosody rate=\"50%\">a<prosody rate=\"50%\">b</prosody>c</prosody>d</speak>").parts
        let rates = parts.map { if case .speech(let text, let manner) = $0 { "\(text.text) \(manner.rate)" } else { "" } }
        #expect(rates == ["a 0.5", "b 0.25", "c 0.5", "d 1.0"])
    }

    @Test("unsupported markup is named once") func ignored() {
        let text = MarkedText(
            "<speak><prosody pitch=\"high\">a</prosody><prosody pitch=\"low\" rate=\"odd\">b</prosody><amazon:effect name=\"whispered\">c</amazon:effect></speak>"
        )
        #expect(text.text == "abc")
        #expect(
            text.notes == [
                TextNote(
                    .ignoredMarkup,
                    "<prosody pitch>, <prosody rate=\"odd\">, <amazon:effect> in the markup are not understood; the words are spoken as usual")
            ])
        #expect(MarkedText("<phoneme alphabet=\"ipa\" ph=\"x\">word</phoneme>").notes.map(\.kind) == [.ignoredMarkup])
    }

    @Test("a document states its language") func language() {
        #expect(MarkedText("<speak version=\"1.1\" xml:lang=\"de-AT\">Servus</speak>").language == "de-AT")
    }

    @Test("turns have their speakers; other words in brackets stay") func speakers() {
        let text = MarkedText("[ada] Hello. [ben] Good [laugh] morning. [cid] Oh.", speakers: ["ada", "ben"])
        let turns = text.parts.compactMap { part in
            if case .speech(let text, let manner) = part, !text.text.allSatisfy(\.isWhitespace) {
                "\(manner.speaker ?? "-"):\(text.text)"
            } else {
                nil
            }
        }
        #expect(turns == ["ada:  Hello.  ", "ben: Good [laugh] morning. [cid] Oh."])
        #expect(MarkedText("<voice name=\"ada\">Hi</voice> <voice name=\"eve\">Ho</voice>", speakers: ["ada"]).unknownSpeakers == ["eve"])
        #expect(MarkedText("[ada] Hello.").text == "[ada] Hello.")
    }

    @Test("the written text is kept") func written() {
        for text in ["**Bold** [x](http://y) <b>z</b>\n# H\n- i\n| a | b |\n", "<speak>a<sub alias=\"b\">c</sub></speak>", "one\ntwo"] {
            let written = MarkedText(text).parts.map { if case .speech(let text, _) = $0 { text.written } else { "" } }.joined()
            #expect(written == text)
        }
    }

    @Test("any characters are accepted, and nothing is lost") func anything() {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "*", "**", "_", "`", "```", "~~", "#", "# ", "\n", "\n\n", "[", "]", "(", ")", "![", "<", ">", "</", "<b>", "<speak>",
            "<break time=\"1s\"/>", "<sub alias=\"x\">", "</sub>", "&amp;", "&#", ";", "|", "|---|", "- ", "1. ", "> ", "---", "a", "b c", ".",
            "[pause]", "\\", "<!--", "-->", "é", "🙂", "文", "\r\n", "<pre>", "</pre>", "<prosody rate=\"slow\">", "</prosody>",
            "<say-as interpret-as=\"characters\">", "</say-as>", "[x]: http://y",
        ]
        for _ in 0..<3000 {
            let text = (0..<Int.random(in: 0..<30, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
            let written = MarkedText(text, speakers: ["a"]).parts.map { if case .speech(let text, _) = $0 { text.written } else { "" } }.joined()
            #expect(written == text)
        }
    }

    @Test(
        "a > after a word is removed, a comparison stays",
        arguments: [
            ("Back> next page.", "Back next page."), ("He said it> twice, then> left.", "He said it twice, then left."),
            ("x> 5 and x > y", "x> 5 and x > y"),
            ("If the price> 5, buy.", "If the price> 5, buy."), ("a -> b", "a -> b"),
        ]) func strayAngle(text: String, spoken: String)
    { #expect(MarkedText(text).text == spoken) }
}
