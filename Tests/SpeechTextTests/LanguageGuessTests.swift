import Testing

@testable import SpeechText

@Suite("Guessing a language")
struct LanguageGuessTests {
    static let all: Set<String> = ["ar", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "it", "ja", "ko", "ms", "nl", "no", "pl", "pt", "ru", "sv", "sw", "tr", "zh"]

    static let sentences: [(String, String)] = [
        ("en", "It is a truth universally acknowledged, that a single man must be in want of a wife."), ("en", "Hello, how are you?"), ("en", "Please open the window."),
        ("en", "The train to Paris leaves at nine in the morning."), ("en", "Thank you very much."), ("en", "What time is it?"),
        ("de", "Guten Morgen, wie geht es Ihnen?"), ("de", "Der Zug nach Berlin fährt um neun Uhr ab."), ("de", "Ich habe das Buch noch nicht gelesen."), ("de", "Danke schön."), ("de", "Wo ist der Bahnhof?"),
        ("fr", "Bonjour, comment ça va ?"), ("fr", "Le train pour Paris part à neuf heures."), ("fr", "Je ne sais pas où elle est."), ("fr", "Merci beaucoup."), ("fr", "Il fait très beau aujourd'hui."),
        ("es", "Buenos días, ¿cómo está usted?"), ("es", "El tren para Madrid sale a las nueve."), ("es", "No sé dónde está mi hermana."), ("es", "Muchas gracias por todo."), ("es", "La casa es muy grande."),
        ("pt", "Bom dia, como você está?"), ("pt", "O comboio para Lisboa parte às nove horas."), ("pt", "Não sei onde ela está."), ("pt", "Muito obrigado."), ("pt", "A casa é muito grande."),
        ("it", "Buongiorno, come sta?"), ("it", "Il treno per Roma parte alle nove."), ("it", "Non so dove sia mia sorella."), ("it", "Grazie mille."), ("it", "Oggi è una bella giornata."),
        ("nl", "Goedemorgen, hoe gaat het met u?"), ("nl", "De trein naar Amsterdam vertrekt om negen uur."), ("nl", "Ik weet niet waar zij is."), ("nl", "Het huis is erg groot."),
        ("pl", "Dzień dobry, jak się pan ma?"), ("pl", "Pociąg do Warszawy odjeżdża o dziewiątej."), ("pl", "Nie wiem, gdzie ona jest."), ("pl", "Dziękuję bardzo."),
        ("tr", "Günaydın, nasılsınız?"), ("tr", "Ankara treni saat dokuzda kalkıyor."), ("tr", "Bu kitabı daha önce okudum ama çok iyi değil."),
        ("da", "Goddag, hvordan har du det?"), ("da", "Jeg ved ikke, hvad hun laver."), ("da", "Toget til København kører klokken ni, og det er meget hurtigt."),
        ("no", "God morgen, hvordan går det med deg?"), ("no", "Jeg vet ikke hvor hun er nå."), ("no", "Toget til Oslo går klokken ni, og det er veldig raskt."),
        ("sv", "God morgon, hur mår du?"), ("sv", "Jag vet inte var hon är."), ("sv", "Tåget till Stockholm går klockan nio."),
        ("fi", "Hyvää huomenta, mitä kuuluu?"), ("fi", "En tiedä, missä hän on."), ("fi", "Juna Helsinkiin lähtee kello yhdeksän."),
        ("ms", "Selamat pagi, apa khabar?"), ("ms", "Saya tidak tahu di mana dia."), ("ms", "Kereta api ke Kuala Lumpur akan bertolak pada pukul sembilan."),
        ("sw", "Habari ya asubuhi, hujambo?"), ("sw", "Sijui yeye yuko wapi sasa."), ("sw", "Treni ya kwenda Nairobi inaondoka saa tatu."),
    ]

    @Test("sentences in Latin letters are told apart by their words", arguments: sentences) func latin(language: String, text: String) {
        #expect(LanguageGuess(text, among: Self.all) == .likely(language))
    }

    @Test("scripts that one language has are certain", arguments: [
        ("ru", "Доброе утро, как дела?"), ("el", "Καλημέρα, τι κάνετε;"), ("he", "בוקר טוב, מה שלומך?"), ("ar", "صباح الخير، كيف حالك؟"), ("hi", "नमस्ते, आप कैसे हैं?"), ("zh", "你好，今天天气很好。"),
        ("ja", "おはようございます。今日は東京へ行きます。"), ("ko", "안녕하세요, 오늘 날씨가 좋네요."), ("zh", "我在 Microsoft 工作。"), ("ja", "東京タワー"), ("ru", "Я люблю Python."),
    ]) func scripts(language: String, text: String) { #expect(LanguageGuess(text, among: Self.all) == .certain(language)) }

    @Test("a word or two that is nothing's in particular decides nothing", arguments: ["OK", "Anna", "12:30", "Microsoft Windows", "…", ""]) func nothing(text: String) {
        #expect(LanguageGuess(text, among: Self.all) == .none)
    }

    @Test("a longer text of no known words is not guessed at") func unsure() {
        #expect(LanguageGuess("Zarquon vebrati mordun kelovex prazim", among: Self.all) == .unsure([]))
        guard case .unsure(let languages) = LanguageGuess("Vi har en bil, og den er ny.", among: Self.all) else {
            Issue.record("Danish and Norwegian are told apart by words that both have")
            return
        }
        #expect(languages.contains("da") && languages.contains("no"))
    }

    @Test("only languages that are asked for are found") func among() {
        #expect(LanguageGuess("Guten Morgen, wie geht es Ihnen?", among: ["en", "fr"]) != .likely("de"))
        #expect(LanguageGuess("Доброе утро", among: ["en"]) == .none)
    }
}
