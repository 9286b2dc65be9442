import Foundation
import Testing

@testable import SpeechText

@Suite("SpokenForm")
struct SpokenFormTests {
    static let english: [(String, String)] = [
        // Numbers
        ("I have 2 cats.", "I have two cats."), ("1,234,567 people", "one million two hundred thirty-four thousand five hundred sixty-seven people"),
        ("about 3.14", "about three point one four"), ("agent 007", "agent zero zero seven"), ("0.5", "zero point five"),
        ("It fell to -5.", "It fell to minus five."),
        ("−40", "minus forty"), ("Room 101", "Room one hundred one"), ("version 1.2.3", "version one point two point three"),
        ("192.168.0.1", "one hundred ninety-two dot one hundred sixty-eight dot zero dot one"), ("1,2,3", "one,two,three"),
        ("5 and 6.", "five and six."),
        ("12345678901234567890", "one two three four five six seven eight nine zero one two three four five six seven eight nine zero"),
        // Years
        ("in 1984", "in nineteen eighty-four"), ("In 2007 and 2024", "In two thousand seven and twenty twenty-four"), ("1900", "nineteen hundred"),
        ("1905", "nineteen oh five"),
        ("the 1990s", "the nineteen nineties"), ("the '90s", "the nineties"), ("the 1800s", "the eighteen hundreds"),
        ("2,024", "two thousand twenty-four"),
        // Ordinals
        ("1st", "first"), ("22nd", "twenty-second"), ("the 3rd of 12th", "the third of twelfth"), ("the 20th century", "the twentieth century"),
        ("101st", "one hundred first"),
        // Dates
        ("March 15, 2024", "March fifteenth, twenty twenty-four"), ("on Jan. 5", "on January fifth"),
        ("15 March 2024", "the fifteenth of March twenty twenty-four"),
        ("2024-03-15", "March fifteenth, twenty twenty-four"), ("03/15/2024", "March fifteenth, twenty twenty-four"),
        ("25/12/1999", "December twenty-fifth, nineteen ninety-nine"),
        ("July 4th", "July fourth"), ("Sept 11, 2001,", "September eleventh, two thousand one,"), ("May 2024", "May twenty twenty-four"),
        // Times
        ("9:30PM", "nine thirty PM"), ("at 9:05 a.m. we", "at nine oh five AM we"), ("at 9:00.", "at nine o'clock."), ("21:05", "twenty-one oh five"),
        ("5 pm", "five PM"),
        ("at 5 p.m. He", "at five PM. He"), ("12:00 PM", "twelve PM"), ("1:02:03", "one hours, two minutes and three seconds"),
        // Money
        ("$1,234.56", "one thousand two hundred thirty-four dollars and fifty-six cents"), ("$1", "one dollar"), ("$0.99", "ninety-nine cents"),
        ("€25.", "twenty-five euros."),
        ("£3.01", "three pounds and one penny"), ("$3 million", "three million dollars"), ("$2.5M", "two point five million dollars"),
        ("25 €", "twenty-five euros"),
        ("5 USD", "five dollars"), ("¥500", "five hundred yen"), ("$5.00", "five dollars"),
        // Measures
        ("5.3%", "five point three percent"), ("40°C", "forty degrees Celsius"), ("40–60°C", "forty to sixty degrees Celsius"),
        ("5kg", "five kilograms"), ("1 km", "one kilometer"),
        ("120 km/h", "one hundred twenty kilometers per hour"), ("16GB", "sixteen gigabytes"), ("24k", "twenty-four thousand"),
        ("70 mph.", "seventy miles per hour."), ("1 mph", "one mile per hour"), ("90°", "ninety degrees"),
        ("1°", "one degree"), ("3 m", "three meters"), ("12 m²", "twelve square meters"),
        // Ranges and fractions
        ("pages 10-15", "pages ten to fifteen"), ("1990–1995", "nineteen ninety to nineteen ninety-five"), ("3–5%", "three to five percent"),
        ("1/2", "one half"), ("3/4 cup", "three quarters cup"),
        ("½", "one half"), ("2½ hours", "two and a half hours"), ("1 1/2 miles", "one and a half miles"), ("24/7", "twenty-four seven"),
        ("7/3", "seven over three"), ("2/3", "two thirds"),
        // Telephone numbers
        ("555-123-4567", "five five five, one two three, four five six seven"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
        ("555-1234", "five five five, one two three four"),
        // Abbreviations
        ("says Dr. Smith", "says Doctor Smith"), ("12 Main St.", "twelve Main Street."), ("St. Paul", "Saint Paul"),
        ("cats, dogs, etc.", "cats, dogs, et cetera."), ("e.g. this", "for example this"),
        ("No. 5", "number five"), ("#5", "number five"), ("A vs. B", "A versus B"),
        ("Martin Luther King Jr. spoke", "Martin Luther King Junior spoke"), ("p. 7", "page seven"), ("Mr. Bennet", "Mr. Bennet"),
        // Roman numerals
        ("Chapter IV", "Chapter four"), ("Henry VIII", "Henry the eighth"), ("World War II ended", "World War two ended"), ("I came", "I came"),
        ("Louis XIV", "Louis the fourteenth"), ("MIX it", "MIX it"),
        ("Henry I think", "Henry I think"), ("part of it", "part of it"),
        // Signs
        ("salt & pepper", "salt and pepper"), ("AT&T", "AT and T"), ("2 + 2 = 4", "two plus two equals four"), ("3 × 4", "three times four"),
        ("Brand™", "Brand"), ("user @ home", "user at home"),
        // Addresses
        ("see https://example.com/a?b=1", "see example dot com slash a question mark b equals one"), ("www.example.org.", "example dot org."),
        ("ann@example.com", "ann at example dot com"),
        // Letters and digits
        ("A4 and mp3", "A four and mp three"), ("COVID-19", "COVID-nineteen"), ("3D", "three D"), ("Q4", "Q four"), ("B2B", "B two B"),
        // All together
        (
            "At 9:30PM, $1,234.56 is 5.3% of 24k, says Dr. Smith at 40–60°C; see https://example.com/a?b=1",
            "At nine thirty PM, one thousand two hundred thirty-four dollars and fifty-six cents is five point three percent of twenty-four thousand, says Doctor Smith at forty to sixty degrees Celsius; see example dot com slash a question mark b equals one"
        ),
    ]

    @Test("English", arguments: english) func inEnglish(written: String, spoken: String) {
        #expect(SpokenForm(language: "en")(written).text == spoken)
    }

    static let others: [(String, String, String)] = [
        ("de", "Am 3. Oktober 1990 um 14:30 Uhr", "Am dritten Oktober neunzehnhundertneunzig um vierzehn Uhr dreißig"),
        ("de", "3,5 %", "drei Komma fünf Prozent"),
        ("de", "1.234,56 €", "eintausendzweihundertvierunddreißig Euro und sechsundfünfzig Cent"),
        ("de", "z. B. 5 km", "zum Beispiel fünf Kilometer"), ("de", "1 €", "ein Euro"),
        ("de", "Der 24.12.2023 war kalt.", "Der vierundzwanzigste Dezember zweitausenddreiundzwanzig war kalt."),
        ("de", "von 1939–1945", "von neunzehnhundertneununddreißig bis neunzehnhundertfünfundvierzig"),
        ("de", "um 1:00 Uhr", "um ein Uhr"), ("de", "und so usw.", "und so und so weiter."), ("de", "−5 °C", "minus fünf Grad Celsius"),
        ("fr", "Le 1er mai 2024 à 14h30", "Le premier mai deux mille vingt-quatre à quatorze heures trente"),
        ("fr", "12,5 %", "douze virgule cinq pour cent"), ("fr", "3 €", "trois euros"), ("fr", "1 km/h", "un kilomètre par heure"),
        ("de", "1 km/h", "ein Kilometer pro Stunde"),
        ("fr", "1 234 567", "un million deux cent trente-quatre mille cinq cent soixante-sept"), ("fr", "le 2e étage", "le deuxième étage"),
        ("fr", "14/07/1789", "quatorze juillet mille sept cent quatre-vingt-neuf"),
        ("es", "El 5 de mayo de 2024", "El cinco de mayo de dos mil veinticuatro"), ("es", "2,5 km", "dos coma cinco kilómetros"),
        ("es", "La Sra. García", "La señora García"), ("es", "25 €", "veinticinco euros"),
        ("es", "a las 14:30", "a las catorce y treinta"),
        ("it", "3 km", "tre chilometri"), ("it", "il 25/12/2023", "il venticinque dicembre duemilaventitré"), ("it", "50%", "cinquanta per cento"),
        ("it", "€ 5", "cinque euro"),
        ("pt", "3,5%", "três vírgula cinco por cento"), ("pt", "25 de abril de 1974", "vinte e cinco de abril de mil novecentos e setenta e quatro"),
        ("pt", "R & B", "R e B"),
        ("nl", "3 oktober 1984", "drie oktober negentienhonderdvierentachtig"), ("nl", "5,5 kg", "vijf komma vijf kilogram"),
        ("nl", "14:30 uur", "veertien uur dertig"),
        ("pl", "21", "dwadzieścia jeden"), ("ru", "3,25", "три целых двадцать пять сотых"), ("ru", "5%", "пять процентов"), ("tr", "%5", "yüzde beş"),
        ("tr", "21", "yirmi bir"),
        ("hi", "21", "इक्कीस"), ("zh", "2024年", "二零二四年"), ("zh", "50%", "百分之五十"), ("zh", "21个", "二十一个"), ("ja", "21", "二十一"), ("ko", "21", "이십일"),
        ("ar", "21", "واحد وعشرون"), ("da", "21", "enogtyve"), ("sv", "21", "tjugoett"), ("no", "21", "tjueén"), ("fi", "21", "kaksikymmentäyksi"),
        ("el", "21", "είκοσι ένα"),
        ("he", "21", "עשרים ואחת"), ("ms", "21", "dua puluh satu"), ("sw", "21", "ishirini na moja"), ("sv", "3,5", "tre komma fem"),
        ("ja", "50%", "五十パーセント"),
    ]

    @Test("other languages", arguments: others) func inOthers(language: String, written: String, spoken: String) {
        #expect(SpokenForm(language: language)(written).text == spoken)
    }

    /// A language, a written text and its spoken form in each line.
    static let table: [(String, String, String)] = lines(of: "spoken.tsv").filter { !$0.hasPrefix("#") }.map { line in
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        return fields.count == 3 ? (fields[0], fields[1], fields[2]) : (line, "", "a line of three fields")
    }

    private static func lines(of name: String) -> [String] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Texts").appending(path: name)
        return ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n").map(String.init)
    }

    @Test("the table of cases", arguments: table) func inTable(language: String, written: String, spoken: String) {
        let said = SpokenForm(language: language)(written)
        #expect(said.text == spoken)
        #expect(said.written == written)
    }

    @Test("there are at least 600 cases in 20 languages") func extent() {
        let all = Self.english.map { ("en", $0.0) } + Self.others.map { ($0.0, $0.1) } + Self.table.map { ($0.0, $0.1) }
        #expect(Set(all.map { "\($0.0) \($0.1)" }).count >= 600)
        #expect(Set(all.map(\.0)).count >= 20)
    }

    @Test("prose is not changed") func prose() {
        let text = """
            It is a truth universally acknowledged, that a single man in possession of a good fortune, must be in want of a wife. "My dear Mr. Bennet," said \
            his lady to him one day, "have you heard that Netherfield Park is let at last?" Call me Ishmael. I'd rather - if I may say so - not; won't you? \
            The coach (an old one) stopped... and Mary I knew. Über-Ich, naïve café; it was half-past-six o'clock.
            """
        let spoken = SpokenForm(language: "en")(text)
        #expect(spoken.text == text)
        #expect(spoken.segments.allSatisfy { !$0.isChanged })
    }

    @Test("sentences of novels are not changed, alone and together") func novels() {
        let sentences = Self.lines(of: "novels.txt"), form = SpokenForm(language: "en")
        #expect(sentences.count >= 300)
        for sentence in sentences {
            #expect(PlainText.cleaned(sentence) == sentence)
            #expect(MarkedText(sentence).parts == [.speech(SpokenText(segments: [.init(written: sentence, spoken: sentence)]), .init())])
            #expect(form(sentence).text == sentence)
        }
        let book = sentences.joined(separator: "\n\n")
        #expect(MarkedText(book).text == book && form(book).text == book)
    }

    @Test("the written text can be recovered") func sources() throws {
        let text = "It cost $1,234.56 in 1984."
        let spoken = SpokenForm(language: "en")(text)
        #expect(spoken.written == text)
        let thousand = try #require(spoken.text.range(of: "thousand"))
        let start = spoken.text.distance(from: spoken.text.startIndex, to: thousand.lowerBound)
        #expect(spoken.source(of: start..<start + 8)?.written == "$1,234.56")
        #expect(spoken.source(of: 0..<2) == nil)
    }

    @Test("any characters are accepted, and nothing is lost") func anything() {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("0123456789.,:;/-–−+$€%°#@&='()½²IVXabhkmpst \u{A0}\n年月ñß™\u{301}🙂१٣".unicodeScalars)
        for language in ["en", "de", "fr", "zh", "xx"] {
            let form = SpokenForm(language: language)
            for _ in 0..<300 {
                let text = String(String.UnicodeScalarView((0..<Int.random(in: 0..<40)).map { _ in alphabet.randomElement(using: &random)! }))
                #expect(form(text).written == text)
            }
        }
    }
}
