import Testing

@testable import SpeechText

@Suite("Detecting a language")
struct LanguageGuessTests {
    static let all: Set<String> = [
        "ar", "da", "de", "el", "en", "es", "fi", "fr", "he", "hi", "it", "ja", "ko", "ms", "nl", "no", "pl", "pt", "ru", "sv", "sw", "tr", "zh",
    ]

    static let sentences: [(String, String)] = [
        ("en", "It is a truth universally acknowledged, that a single man must be in want of a wife."), ("en", "Hello, how are you?"),
        ("en", "Please open the window."),
        ("en", "The train to Paris leaves at nine in the morning."), ("en", "Thank you very much."), ("en", "What time is it?"),
        ("de", "Guten Morgen, wie geht es Ihnen?"), ("de", "Der Zug nach Berlin fährt um neun Uhr ab."),
        ("de", "Ich habe das Buch noch nicht gelesen."), ("de", "Danke schön."), ("de", "Wo ist der Bahnhof?"),
        ("fr", "Bonjour, comment ça va ?"), ("fr", "Le train pour Paris part à neuf heures."), ("fr", "Je ne sais pas où elle est."),
        ("fr", "Merci beaucoup."), ("fr", "Il fait très beau aujourd'hui."),
        ("es", "Buenos días, ¿cómo está usted?"), ("es", "El tren para Madrid sale a las nueve."), ("es", "No sé dónde está mi hermana."),
        ("es", "Muchas gracias por todo."), ("es", "La casa es muy grande."),
        ("pt", "Bom dia, como você está?"), ("pt", "O comboio para Lisboa parte às nove horas."), ("pt", "Não sei onde ela está."),
        ("pt", "Muito obrigado."), ("pt", "A casa é muito grande."),
        ("it", "Buongiorno, come sta?"), ("it", "Il treno per Roma parte alle nove."), ("it", "Non so dove sia mia sorella."),
        ("it", "Grazie mille."), ("it", "Oggi è una bella giornata."),
        ("nl", "Goedemorgen, hoe gaat het met u?"), ("nl", "De trein naar Amsterdam vertrekt om negen uur."), ("nl", "Ik weet niet waar zij is."),
        ("nl", "Het huis is erg groot."),
        ("pl", "Dzień dobry, jak się pan ma?"), ("pl", "Pociąg do Warszawy odjeżdża o dziewiątej."), ("pl", "Nie wiem, gdzie ona jest."),
        ("pl", "Dziękuję bardzo."),
        ("tr", "Günaydın, nasılsınız?"), ("tr", "Ankara treni saat dokuzda kalkıyor."), ("tr", "Bu kitabı daha önce okudum ama çok iyi değil."),
        ("da", "Goddag, hvordan har du det?"), ("da", "Jeg ved ikke, hvad hun laver."),
        ("da", "Toget til København kører klokken ni, og det er meget hurtigt."),
        ("no", "God morgen, hvordan går det med deg?"), ("no", "Jeg vet ikke hvor hun er nå."),
        ("no", "Toget til Oslo går klokken ni, og det er veldig raskt."),
        ("sv", "God morgon, hur mår du?"), ("sv", "Jag vet inte var hon är."), ("sv", "Tåget till Stockholm går klockan nio."),
        ("fi", "Hyvää huomenta, mitä kuuluu?"), ("fi", "En tiedä, missä hän on."), ("fi", "Juna Helsinkiin lähtee kello yhdeksän."),
        ("ms", "Selamat pagi, apa khabar?"), ("ms", "Saya tidak tahu di mana dia."),
        ("ms", "Kereta api ke Kuala Lumpur akan bertolak pada pukul sembilan."),
        ("sw", "Habari ya asubuhi, hujambo?"), ("sw", "Sijui yeye yuko wapi sasa."), ("sw", "Treni ya kwenda Nairobi inaondoka saa tatu."),
    ]

    @Test("sentences in Latin letters are distinguished by their words", arguments: sentences) func latin(language: String, text: String) {
        #expect(LanguageGuess(text, among: Self.all) == .likely(language))
    }

    /// Sentences of a few words, most of which related languages share.
    static let shortSentences: [(String, String)] = [
        ("da", "Det er en god dag for alle."), ("da", "Jeg vil gerne have en kop kaffe."), ("da", "Hvor ligger den nærmeste station?"),
        ("da", "Vi ses i morgen klokken ti."), ("da", "Børnene leger ude i haven."), ("da", "Hun læser en bog hver aften."),
        ("da", "Toget er forsinket igen."), ("da", "Kan du hjælpe mig med det?"), ("da", "Det regner meget om efteråret."),
        ("da", "Min bror bor i København."), ("da", "Det er min søster."), ("da", "Vi skal spise klokken seks."),
        ("da", "Jeg kan ikke finde mine nøgler."), ("da", "Han kører til arbejde i bil."), ("da", "Vejret er dejligt i dag."),
        ("da", "Hvad koster det?"), ("da", "Tak for mad."),
        ("no", "Det er en fin dag for alle."), ("no", "Jeg vil gjerne ha en kopp kaffe."), ("no", "Hvor ligger nærmeste stasjon?"),
        ("no", "Vi sees i morgen klokka ti."), ("no", "Barna leker ute i hagen."), ("no", "Hun leser en bok hver kveld."),
        ("no", "Toget er forsinket igjen."), ("no", "Kan du hjelpe meg med dette?"), ("no", "Det regner mye om høsten."),
        ("no", "Broren min bor i Bergen."), ("no", "Det er søsteren min."), ("no", "Vi skal spise klokka seks."),
        ("no", "Jeg finner ikke nøklene mine."), ("no", "Han kjører bil til jobben."), ("no", "Været er deilig i dag."),
        ("no", "Hva koster det?"), ("no", "Takk for maten."),
        ("sv", "Det är en bra dag för alla."), ("sv", "Jag vill gärna ha en kopp kaffe."), ("sv", "Var ligger närmaste station?"),
        ("sv", "Vi ses i morgon klockan tio."), ("sv", "Barnen leker ute i trädgården."), ("sv", "Hon läser en bok varje kväll."),
        ("sv", "Tåget är försenat igen."), ("sv", "Kan du hjälpa mig med det?"), ("sv", "Det regnar mycket på hösten."),
        ("sv", "Min bror bor i Stockholm."), ("sv", "Det är min syster."), ("sv", "Vi ska äta klockan sex."),
        ("sv", "Jag hittar inte mina nycklar."), ("sv", "Han kör bil till jobbet."), ("sv", "Vädret är härligt idag."),
        ("sv", "Vad kostar det?"), ("sv", "Tack för maten."),
        ("nl", "Het is een mooie dag voor iedereen."), ("nl", "Ik wil graag een kopje koffie."),
        ("nl", "Waar is het dichtstbijzijnde station?"), ("nl", "Tot morgen om tien uur."), ("nl", "De kinderen spelen in de tuin."),
        ("nl", "Zij leest elke avond een boek."), ("nl", "De trein heeft alweer vertraging."), ("nl", "Kun je me daarmee helpen?"),
        ("nl", "In de herfst regent het veel."), ("nl", "Mijn broer woont in Utrecht."), ("nl", "Dat is mijn zus."),
        ("nl", "We eten om zes uur."), ("nl", "Ik kan mijn sleutels niet vinden."), ("nl", "Hij rijdt met de auto naar zijn werk."),
        ("nl", "Het weer is heerlijk vandaag."), ("nl", "Wat kost dat?"),
        ("de", "Es ist ein guter Tag."), ("de", "Ich hätte gerne eine Tasse Kaffee."), ("de", "Wo liegt der nächste Bahnhof?"),
        ("de", "Wir sehen uns morgen um zehn."), ("de", "Die Kinder spielen im Garten."), ("de", "Sie liest jeden Abend ein Buch."),
        ("de", "Der Zug ist wieder verspätet."), ("de", "Kannst du mir dabei helfen?"), ("de", "Im Herbst regnet es viel."),
        ("de", "Mein Bruder wohnt in Hamburg."), ("de", "Das ist meine Schwester."), ("de", "Wir essen um sechs Uhr."),
        ("de", "Ich finde meine Schlüssel nicht."), ("de", "Das Wetter ist heute herrlich."), ("de", "Was kostet das?"),
        ("es", "Es un buen día para todos."), ("es", "Quisiera una taza de café."), ("es", "La estación está cerca."),
        ("es", "Nos vemos mañana a las diez."), ("es", "Los niños juegan en el jardín."), ("es", "Ella lee un libro cada noche."),
        ("es", "El tren llega tarde otra vez."), ("es", "Puedes ayudarme con esto?"), ("es", "En otoño llueve mucho."),
        ("es", "Mi hermano vive en Madrid."), ("es", "Es mi hermana."), ("es", "Comemos a las seis."),
        ("es", "No encuentro mis llaves."), ("es", "Él va al trabajo en coche."), ("es", "Hoy hace un tiempo estupendo."),
        ("es", "Cuánto cuesta eso?"),
        ("pt", "Está um belo dia para todos."), ("pt", "Eu queria uma chávena de café."), ("pt", "Onde fica a estação mais próxima?"),
        ("pt", "Vemo-nos amanhã às dez."), ("pt", "As crianças brincam no jardim."), ("pt", "Ela lê um livro todas as noites."),
        ("pt", "O trem está atrasado outra vez."), ("pt", "Você pode me ajudar com isso?"), ("pt", "No outono chove muito."),
        ("pt", "O meu irmão mora em Lisboa."), ("pt", "É a minha irmã."), ("pt", "Jantamos às seis."),
        ("pt", "Não encontro as minhas chaves."), ("pt", "Ele vai para o trabalho de carro."), ("pt", "Hoje o tempo está ótimo."),
        ("pt", "Quanto custa isso?"),
        ("it", "Oggi è una bella giornata per tutti."), ("it", "Vorrei una tazza di caffè."), ("it", "La stazione è qui vicino."),
        ("it", "Ci vediamo domani alle dieci."), ("it", "I bambini giocano in giardino."), ("it", "Lei legge un libro ogni sera."),
        ("it", "Il treno è di nuovo in ritardo."), ("it", "Puoi aiutarmi con questo?"), ("it", "In autunno piove molto."),
        ("it", "Mio fratello vive a Roma."), ("it", "È mia sorella."), ("it", "Mangiamo alle sei."), ("it", "Non trovo le mie chiavi."),
        ("it", "Lui va al lavoro in macchina."), ("it", "Oggi il tempo è splendido."), ("it", "Quanto costa questo?"),
        ("fr", "Il fait beau aujourd'hui."), ("fr", "Je voudrais une tasse de café."), ("fr", "La gare est tout près."),
        ("fr", "On se voit demain à dix heures."), ("fr", "Les enfants jouent dans le jardin."),
        ("fr", "Elle lit un livre chaque soir."), ("fr", "Le train est encore en retard."), ("fr", "Peux-tu m'aider avec ça ?"),
        ("fr", "En automne il pleut beaucoup."), ("fr", "Mon frère habite à Lyon."), ("fr", "C'est ma sœur."),
        ("fr", "Nous mangeons à six heures."), ("fr", "Je ne trouve pas mes clés."), ("fr", "Il va au travail en voiture."),
        ("fr", "Il fait un temps superbe."), ("fr", "Combien ça coûte ?"),
        ("en", "It is a good day for everyone."), ("en", "I would like a cup of coffee."), ("en", "Where is the nearest station?"),
        ("en", "See you tomorrow at ten."), ("en", "The children play in the garden."), ("en", "She reads a book every night."),
        ("en", "The train is late again."), ("en", "Can you help me with this?"), ("en", "In autumn it rains a lot."),
        ("en", "My brother lives in London."),
        ("pl", "To jest dobry dzień dla wszystkich."), ("pl", "Poproszę filiżankę kawy."), ("pl", "Gdzie jest najbliższa stacja?"),
        ("pl", "Do zobaczenia jutro o dziesiątej."), ("pl", "Dzieci bawią się w ogrodzie."), ("pl", "Ona czyta książkę co wieczór."),
        ("pl", "Pociąg znowu jest opóźniony."), ("pl", "Czy możesz mi z tym pomóc?"), ("pl", "Jesienią dużo pada."),
        ("pl", "Mój brat mieszka w Krakowie."), ("pl", "To moja siostra."), ("pl", "Jemy o szóstej."),
        ("pl", "Nie mogę znaleźć kluczy."),
        ("tr", "Herkes için güzel bir gün."), ("tr", "Bir fincan kahve istiyorum."), ("tr", "En yakın istasyon nerede?"),
        ("tr", "Yarın saat onda görüşürüz."), ("tr", "Çocuklar bahçede oynuyor."), ("tr", "Her akşam kitap okuyor."),
        ("tr", "Tren yine gecikti."), ("tr", "Bana yardım eder misin?"), ("tr", "Sonbaharda çok yağmur yağar."),
        ("tr", "Kardeşim Ankara'da yaşıyor."), ("tr", "Bu benim kız kardeşim."), ("tr", "Saat altıda yiyoruz."),
        ("tr", "Anahtarlarımı bulamıyorum."),
        ("fi", "Tänään on hyvä päivä kaikille."), ("fi", "Haluaisin kupin kahvia."), ("fi", "Missä on lähin asema?"),
        ("fi", "Nähdään huomenna kello kymmenen."), ("fi", "Lapset leikkivät puutarhassa."), ("fi", "Hän lukee kirjaa joka ilta."),
        ("fi", "Juna on taas myöhässä."), ("fi", "Voitko auttaa minua?"), ("fi", "Syksyllä sataa paljon."),
        ("fi", "Veljeni asuu Helsingissä."), ("fi", "Hän on minun siskoni."), ("fi", "Syömme kuudelta."), ("fi", "En löydä avaimiani."),
        ("ms", "Hari ini hari yang baik untuk semua."), ("ms", "Saya mahu secawan kopi."), ("ms", "Di mana stesen terdekat?"),
        ("ms", "Jumpa esok pukul sepuluh."), ("ms", "Kanak-kanak bermain di taman."), ("ms", "Dia membaca buku setiap malam."),
        ("ms", "Kereta api lambat lagi."), ("ms", "Boleh awak tolong saya?"), ("ms", "Hujan turun lebat semalam."),
        ("ms", "Abang saya tinggal di Ipoh."),
        ("sw", "Ni siku njema kwa wote."), ("sw", "Ningependa kikombe cha kahawa."), ("sw", "Kituo cha karibu kiko wapi?"),
        ("sw", "Tutaonana kesho saa nne."), ("sw", "Watoto wanacheza bustanini."), ("sw", "Anasoma kitabu kila usiku."),
        ("sw", "Treni imechelewa tena."), ("sw", "Unaweza kunisaidia?"), ("sw", "Mvua inanyesha sana leo."),
        ("sw", "Kaka yangu anaishi Nairobi."),
    ]

    @Test("a short sentence is never assigned to a wrong language: it is detected, or the candidates are listed", arguments: shortSentences)
    func short(language: String, text: String) {
        switch LanguageGuess(text, among: Self.all) {
        case .likely(let guess), .certain(let guess): #expect(guess == language)
        case .unsure(let guesses): #expect(guesses.contains(language), "\(guesses)")
        case .none: Issue.record("nothing is told of \(text)")
        }
    }

    @Test("nine in ten short sentences are detected") func shortShare() {
        let told = Self.shortSentences.count { LanguageGuess($0.1, among: Self.all) == .likely($0.0) }
        #expect(told * 10 >= 9 * Self.shortSentences.count, "\(told) of \(Self.shortSentences.count)")
    }

    @Test(
        "scripts of only one language are certain",
        arguments: [
            ("ru", "Доброе утро, как дела?"), ("el", "Καλημέρα, τι κάνετε;"), ("he", "בוקר טוב, מה שלומך?"), ("ar", "صباح الخير، كيف حالك؟"),
            ("hi", "नमस्ते, आप कैसे हैं?"), ("zh", "你好，今天天气很好。"),
            ("ja", "おはようございます。今日は東京へ行きます。"), ("ko", "안녕하세요, 오늘 날씨가 좋네요."), ("zh", "我在 Microsoft 工作。"), ("ja", "東京タワー"), ("ru", "Я люблю Python."),
        ]) func scripts(language: String, text: String)
    { #expect(LanguageGuess(text, among: Self.all) == .certain(language)) }

    @Test("one or two words that belong to no particular language decide nothing", arguments: ["OK", "Anna", "12:30", "Microsoft Windows", "…", ""])
    func nothing(text: String) {
        #expect(LanguageGuess(text, among: Self.all) == .none)
    }

    @Test("no language is assigned to a longer text of unknown words") func unsure() {
        #expect(LanguageGuess("Zarquon vebrati mordun kelovex prazim", among: Self.all) == .unsure([]))
        guard case .unsure(let languages) = LanguageGuess("Vi har en bil, og den er ny.", among: Self.all) else {
            Issue.record("Danish and Norwegian are told apart by words that both have")
            return
        }
        #expect(languages.contains("da") && languages.contains("no"))
    }

    @Test("only the given languages are detected") func among() {
        #expect(LanguageGuess("Guten Morgen, wie geht es Ihnen?", among: ["en", "fr"]) != .likely("de"))
        #expect(LanguageGuess("Доброе утро", among: ["en"]) == .none)
    }
}
