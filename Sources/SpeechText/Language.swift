/// The languages of the multilingual models, by their ISO 639-1 codes (upstream: `SUPPORTED_LANGUAGES` in `mtl_tts.py`).
public enum Language: String, Sendable, Hashable, Codable, CaseIterable {
    case arabic = "ar", danish = "da", german = "de", greek = "el", english = "en", spanish = "es", finnish = "fi", french = "fr"
    case hebrew = "he", hindi = "hi", italian = "it", japanese = "ja", korean = "ko", malay = "ms", dutch = "nl", norwegian = "no"
    case polish = "pl", portuguese = "pt", russian = "ru", swedish = "sv", swahili = "sw", turkish = "tr", chinese = "zh"

    /// `de`, also written `DE`, `de-AT` or `de_AT`; nil for a language that no model speaks.
    public init?(code: String) {
        guard
            let language = Language(
                rawValue: code.lowercased().split(whereSeparator: { $0 == "-" || $0 == "_" }).first.map(String.init) ?? "")
        else { return nil }
        self = language
    }

    /// Its two-letter code.
    public var code: String { rawValue }

    /// Its English name.
    public var name: String {
        let name = String(describing: self)
        return name.prefix(1).uppercased() + name.dropFirst()
    }

    package static let englishFirst = [english] + allCases.filter { $0 != .english }
}

/// The language of a text, detected from its script, and among languages of the same script from their most frequent words and from letters that
/// only one of them has.
///
/// ```swift
/// LanguageGuess("Bonjour, comment ça va ?", among: ["en", "fr", "de"])   // .likely("fr")
/// ```
public enum LanguageGuess: Sendable, Hashable {
    /// Only one of the languages is written in this script.
    case certain(String)
    /// The words indicate one language clearly more than any other.
    case likely(String)
    /// Too few words to decide, and none that contradicts the default language.
    case none
    /// Several languages are possible, the most likely first; empty if no word of the text is known.
    case unsure([String])

    /// The number of words that are used; more do not improve the result.
    private static let most = 150

    /// - Parameters:
    ///   - text: the text; its first 20,000 Unicode scalars are used to detect the script.
    ///   - languages: ISO 639-1 codes of the candidates.
    public init(_ text: String, among languages: Set<String>) {
        var scripts: [Script: Int] = [:]
        for scalar in text.unicodeScalars.prefix(20_000) {
            if let script = Script(scalar) { scripts[script, default: 0] += 1 }
        }
        // Han characters with kana are Japanese, without kana Chinese.
        if let kana = scripts[.kana], kana * 8 >= scripts[.han] ?? 0 { scripts[.kana] = kana + (scripts.removeValue(forKey: .han) ?? 0) }
        if let hangul = scripts[.hangul], let han = scripts[.han], han < hangul {
            scripts[.hangul] = hangul + (scripts.removeValue(forKey: .han) ?? 0)
        }
        // A foreign name has more letters than the ideographs around it, so other scripts count three times.
        for script in scripts.keys where script != .latin { scripts[script]! *= 3 }
        guard let script = scripts.max(by: { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) })?.key else {
            self = .none
            return
        }
        guard script == .latin else {
            self = languages.contains(script.rawValue) ? .certain(script.rawValue) : .none
            return
        }
        self = Self.latin(text, languages)
    }

    /// A script in which only one of the supported languages is written, by that language's code.
    private enum Script: String {
        case latin, han = "zh", kana = "ja", hangul = "ko", greek = "el", cyrillic = "ru", hebrew = "he", arabic = "ar", devanagari = "hi"

        init?(_ scalar: Unicode.Scalar) {
            switch scalar.value {
            case 0x41...0x5A, 0x61...0x7A, 0xC0...0x24F, 0x1E00...0x1EFF: self = .latin
            case 0x370...0x3FF, 0x1F00...0x1FFF: self = .greek
            case 0x400...0x52F: self = .cyrillic
            case 0x590...0x5FF: self = .hebrew
            case 0x600...0x6FF, 0x750...0x77F, 0xFB50...0xFDFF, 0xFE70...0xFEFC: self = .arabic
            case 0x900...0x97F: self = .devanagari
            case 0x3040...0x30FF: self = .kana
            case 0xAC00...0xD7AF, 0x1100...0x11FF: self = .hangul
            case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0x20000...0x323AF: self = .han
            default: return nil
            }
        }
    }

    /// Characters grouped by script, each group with the code of the one supported language that is written in it, or nil for Latin letters and
    /// unknown scripts. Groups, and the characters in them, are in order.
    static func scripts(of characters: [Character]) -> [(code: String?, characters: [Character])] {
        let scripts = characters.map { $0.unicodeScalars.first.flatMap(Script.init) }
        var groups: [(code: String?, characters: [Character])] = []
        for (character, script) in zip(characters, scripts) {
            let script = script == .han && scripts.contains(.kana) ? .kana : script, code = script == .latin ? nil : script?.rawValue
            if let index = groups.firstIndex(where: { $0.code == code }) {
                groups[index].characters.append(character)
            } else {
                groups.append((code, [character]))
            }
        }
        return groups
    }

    private static func latin(_ text: String, _ languages: Set<String>) -> LanguageGuess {
        let words = text.lowercased().split(maxSplits: most) { !($0.isLetter || $0 == "'" || $0 == "’") }.prefix(most).map {
            String($0).replacing("’", with: "'")
        }
        guard !words.isEmpty else { return .none }
        var scores: [String: Double] = [:], known = 0
        for word in words {
            let owners = commonWords[word]?.filter(languages.contains) ?? []
            // A word that many languages share counts less.
            for owner in owners { scores[owner, default: 0] += 1 / Double(owners.count) }
            var isKnown = !owners.isEmpty
            for (language, marks) in letters where languages.contains(language) {
                guard let letter = word.unicodeScalars.first(where: marks.contains) else { continue }
                scores[language, default: 0] += 1 / Double(letters.count { $0.letters.contains(letter) && languages.contains($0.language) })
                isKnown = true
            }
            for (language, parts) in parts where languages.contains(language) && parts.contains(where: word.contains) {
                scores[language, default: 0] += 0.25
            }
            for (language, endings) in endings
            where word.count > 4 && languages.contains(language) && endings.contains(where: word.hasSuffix) {
                scores[language, default: 0] += 0.25
            }
            if isKnown { known += 1 }
        }
        let ranked = scores.sorted { ($0.value, $1.key) > ($1.value, $0.key) }
        guard let best = ranked.first, known > 0 else { return words.count < 4 ? .none : .unsure([]) }
        let second = ranked.count > 1 ? ranked[1].value : 0
        let isEnough = best.value >= 0.9 || best.value >= 0.5 && words.count < 4
        // Related languages share most words, so that a sentence in one always has some words of the other.
        let isSister = ranked.count > 1 && Self.sisters.contains { $0.contains(best.key) && $0.contains(ranked[1].key) }
        if isEnough, best.value >= (isSister && words.count < 12 ? 1.4 : 1.2) * second + 0.15, best.value >= 0.04 * Double(words.count) {
            return .likely(best.key)
        }
        // One or two words, such as a name or "OK", may be in any language.
        if words.count < 4, best.value < 0.9 { return .none }
        return .unsure(ranked.prefix(3).filter { $0.value * 2 >= best.value }.map(\.key))
    }

    /// Languages whose most frequent words are largely the same.
    private static let sisters: [Set<String>] = [["da", "no", "sv"], ["es", "pt", "it"], ["de", "nl"]]

    /// Groups of letters that are frequent in one language and rare in the others.
    private static let parts: [(language: String, parts: [String])] = [
        ("fi", ["ää", "yö", "uo", "hd", "ii", "yy"]), ("nl", ["ij", "aa", "oe", "uu"]), ("de", ["sch", "ei", "pf", "tz"]),
        ("pl", ["sz", "cz", "rz", "dz", "ów"]), ("it", ["gli", "cch", "zz", "ggi"]),
        ("sw", ["kw", "mb", "ny", "nda", "ng'", "aon"]), ("en", ["th", "wh", "ough", "sh"]), ("fr", ["eau", "aux", "oi", "qu'"]),
        ("es", ["ll", "ñ", "ué"]), ("pt", ["lh", "nh", "õe"]),
        ("da", ["øj", "æv", "hv"]), ("no", ["kj", "øy", "hv"]), ("sv", ["ck", "sj", "hj"]), ("tr", ["üz", "ığ", "çı"]),
        ("ms", ["ng", "ber", "men", "ter"]),
    ]

    /// Letters that only one or two of the supported languages use.
    private static let letters: [(language: String, letters: Set<Unicode.Scalar>)] = [
        ("de", "ßäöü"), ("es", "ñ¿¡"), ("pt", "ãõ"), ("fr", "çêëîïûœùèàâ"), ("pl", "łśźżćńąę"), ("tr", "ışğ"), ("da", "æøå"),
        ("no", "øåæ"), ("sv", "åäö"), ("fi", "äö"), ("it", "ùìò"),
        ("pt", "çêâ"),
    ].map { ($0.0, Set($0.1.unicodeScalars)) }

    private static let endings: [(language: String, endings: [String])] = [
        ("en", ["ing", "tion", "ness", "ght", "ly"]), ("de", ["ung", "lich", "keit", "isch", "chen"]),
        ("fr", ["eux", "aient", "ment", "tion", "oire"]),
        ("es", ["ción", "mente", "dades", "aron", "iendo"]), ("pt", ["ção", "ções", "mente", "dade", "ndo"]),
        ("it", ["zione", "mente", "ando", "endo", "ità"]),
        ("nl", ["ijk", "heid", "lijk", "isch", "eren"]), ("pl", ["ego", "ych", "ość", "ować", "cie"]),
        ("tr", ["lar", "ler", "yor", "dır", "ların"]),
        ("fi", ["nen", "ssa", "ssä", "lla", "llä", "sta", "stä", "taan"]), ("sv", ["arna", "erna", "igt", "ningen"]),
        ("da", ["erne", "hed", "ede", "ning"]),
        ("no", ["ene", "het", "ning", "ige"]), ("ms", ["kan", "nya", "lah", "an"]), ("sw", ["sha", "wa", "lia", "kia", "ika"]),
    ]

    /// The languages of each word.
    private static let commonWords: [String: [String]] = {
        var languages: [String: [String]] = [:]
        for (language, words) in wordLists {
            for word in Set(words.split(separator: " ").map(String.init)) { languages[word, default: []].append(language) }
        }
        return languages
    }()

    /// The most frequent words of each language, and words with which greetings and requests begin.
    private static let wordLists: [(String, String)] = [
        (
            "en",
            """
            the of and to in is that it was for on are with as his they be at this have from or had by not but what all were we when \
            your can said there an which their if will each about how up out them then she many some so these would other into has more \
            her two like him see time could no make than first been its who now my over did down only way find use may water long little \
            very after words called just where most know hello please thank thanks you i'm don't it's good morning yes am i do does me \
            our us why because here cup nearest tomorrow children play garden reads book night train late help rains brother lives \
            everyone always never house street work station big small old new man woman day
            """
        ),
        (
            "de",
            """
            der die das und ist in zu den nicht von sie mit dem sich des ein eine auf für es im auch als an nach wie werden aus er hat \
            dass bei oder war wir ich aber einen einer um am noch wird sind haben nur sein man über zum zur kann so wenn mehr was durch \
            ihr ihre mein dein guten tag hallo danke bitte ja nein wo warum weil heute morgen gut geht dir ihnen mir uns habe bin bist \
            du keine kein diese dieser schon sehr hätte gerne tasse kaffee nächste bahnhof kinder spielen garten liest jeden abend buch \
            zug wieder kannst helfen herbst regnet viel bruder schwester wohnt haus straße jahr immer nie hier dort neu alt liegt sehen \
            groß klein zeit mann frau
            """
        ),
        (
            "fr",
            """
            le la les des et est un une de du que qui en dans pour pas au aux ce cette ces il elle je tu nous vous ils elles ne se sur \
            avec plus par son sa ses mon ma mes ton ta sont été être avoir fait comme mais ou où donc si tout tous très bien bonjour \
            bonsoir merci oui non comment ça va c'est j'ai d'un d'une l'on qu'il qu'elle n'est s'il plaît aujourd'hui quand aussi même \
            peut leur leurs sans encore après avant j'aime y a voudrais tasse café gare près voit demain heures enfants jouent jardin \
            lit livre chaque soir train retard peux aider automne pleut beaucoup frère sœur habite maison maintenant ici là mal nouveau \
            nouvelle an ans temps toujours jamais hier rue ville travail peu dire dit vais avons belle jour dix grand petite petit on \
            trouve clés mangeons
            """
        ),
        (
            "es",
            """
            dónde sé cómo aquí así ahora vez casa gran tan el la los las de del que y en un una es no se por con para su al lo como más \
            pero sus le ya o este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante \
            todos uno les ni contra otros ese eso ante ellos e esto mí antes algunos qué unos yo otro otra él tanto esa estos mucho hola \
            buenos días gracias favor está estás estoy soy eres son tiene tengo fue ser café lee libro cada noche hermano hermana vive \
            madre padre hijo niños tarde mañana puede puedes ayudar ayudarme agua día año años tiempo siempre nunca allí mismo nuevo \
            nueva mi tu nuestro voy vamos va hace hacer digo dijo poco mucha trabajo calle ciudad quisiera taza llueve juegan jardín \
            tren llega cerca estación grande encuentro llaves comemos coche estupendo
            """
        ),
        (
            "pt",
            """
            o a os as de do da dos das que e em um uma é não no na nos nas por com para se mais como mas ao ele ela seu sua ou quando \
            muito já também só pelo pela até isso entre depois sem mesmo aos seus quem me esse eles você essa num nem suas meu minha às \
            têm foi são está estão eu tudo bem olá obrigado obrigada bom dia boa noite sim onde porque estou sou tem vamos fazer ser \
            isto nós belo fica perto próxima estação comboio trem atrasado irmão irmã mora casa agora aqui novo nova livro cada noites \
            lê crianças brincam jardim chove outono pode podes ajudar água ano anos tempo sempre nunca hoje amanhã ontem rua cidade \
            trabalho pouco muita dizer disse vai vou todos outra vez grande à tarde manhã jantamos chaves seis minhas carro
            """
        ),
        (
            "it",
            """
            il lo la i gli le di del della dei delle che e è un una uno in nel nella per non con su da dal dalla si sono ha come più ma \
            al alla anche se io tu lui lei noi voi loro questo questa quello quella ho hai abbiamo hanno era essere fare tutto tutti \
            molto bene ciao buongiorno grazie prego sì perché dove quando chi cosa mio mia tuo suo sua ci ne ancora già dopo prima così \
            oggi c'è dell'anno l'ha vorrei tazza caffè stazione qui vicino bambini giocano giardino legge libro ogni sera treno nuovo \
            ritardo puoi aiutarmi autunno piove fratello sorella vive casa adesso nuova anno anni tempo sempre mai domani ieri strada \
            città lavoro poco molta dire detto va vado bella bello giornata sta grande parte alle mille trovo mie chiavi mangiamo
            """
        ),
        (
            "nl",
            """
            de het een en van ik te dat die in is niet zijn op aan met als voor er maar om hem dan zou of wat mijn men dit zo door over \
            ze zich bij ook tot je mij uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij nu ge geen omdat iets \
            worden toch al waren veel meer doen toen moet ben zonder kan hun dus alles onder ja eens hier wie werd altijd goedemorgen \
            hallo dank bedankt alstublieft gaat goed wij jij bent vandaag wordt kinderen spelen tuin kun daarmee elke avond boek leest \
            trein regent broer zus woont woon morgen uur dag mooie iedereen graag kopje koffie huis straat jaar nooit soms weer alweer \
            tussen zeggen zegt kom komt ga gaan doet zie ziet jouw onze waar waarom wanneer welke helpen ligt drinken eten groot klein \
            oud nieuw tijd man vrouw
            """
        ),
        (
            "pl",
            """
            i w na z do nie się jest to że o jak po co tak za od ale przez dla czy są tym był ten ma być tylko już jego jej ich może \
            które który która jeszcze gdy bardzo tego przed pod kiedy nic mnie mi ja ty on ona my wy oni dzień dobry cześć dziękuję \
            proszę gdzie dlaczego bo dziś dobrze mam masz była było były będzie oraz także przy bez dzieci ogrodzie książkę wieczór \
            pociąg znowu możesz pomóc brat siostra mieszka dom ulica rok zawsze nigdy tu tam kawy jutro wszystkich
            """
        ),
        (
            "tr",
            """
            saat zaman şimdi gün yeni biri kitap ve bir bu da de için ile çok ne gibi daha var mi ben sen o biz siz onlar ama olarak \
            kadar sonra en olan her değil evet hayır merhaba teşekkürler lütfen nasılsın nasıl nerede neden çünkü bugün iyi ki şey diye \
            bana sana onun benim senin olduğu oldu yok ise veya göre önce iki kendi büyük günaydın ediyor mı musun tren yine çocuklar \
            bahçede oynuyor kahve fincan istiyorum yakın istasyon yarın görüşürüz akşam okuyor eder misin yağmur kardeşim yaşıyor ev \
            okul su yıl hep hiç burada orada güzel herkes
            """
        ),
        (
            "da",
            """
            klokken og i at det en er til af på for med den de ikke der var han jeg som et har om vi hun sig man kan fra men så skal \
            også eller hvad ud op hvor ved du nu være efter meget hans her dem over når denne blev været havde mig dig os hej tak ja nej \
            godt hvordan hvorfor fordi goddag morgen selv noget nogle blive hvis kun måtte kunne ville dag alle gerne vil ligger bor \
            læser børn børnene ude igen hjælpe hjælp bror søster mor far bog hver aften regner toget kaffe nærmeste station ses uge år \
            mange altid aldrig dansk danmark smuk smukt hus huset vej gade mad drikke snakker taler penge arbejde hvornår hvilken \
            selvfølgelig lidt sammen allerede uden inden mellem siger sagde kommer gå får fik ser lige jo deres vores jer min mit mine \
            din dit dine sin sit hendes forsinket efterår god tid mand kvinde lille stor gammel vejret dejlig dejligt nøgler nøgle kører \
            bil finde
            """
        ),
        (
            "no",
            """
            veldig vet klokken og i det er på til en av for at som med han de ikke den var jeg har om et men hun så seg vi fra kan skal \
            hva ved nå være etter mye hans her dem over når denne ble vært hadde meg deg oss hei takk ja nei godt bra hvordan hvorfor \
            fordi morgen selv noe noen bli hvis bare også mot opp ut eller hvor du går jo fikk kunne ville gjør dere sier mellom dag \
            alle gjerne vil ligger bor leser barn barna ute igjen hjelpe hjelp bror broren søster mor far bok hver kveld regner toget \
            kaffe kopp nærmeste stasjon sees uke år mange alltid aldri norsk norge hus huset vei gate mat drikke snakker penger arbeid \
            hvilken selvfølgelig litt sammen allerede uten innen sa kommer får ser deres vår vårt min mitt mine din ditt dine sin sitt \
            hennes forsinket høst dette fin klokka god tid mann kvinne liten stor gammel været deilig nøkler nøklene nøkkel jobben jobb \
            kjører bil søsteren kl finner
            """
        ),
        (
            "sv",
            """
            går klockan vet inget timme och i att det en är på till av för med den som inte har de ett han var jag om så men hon sig vi \
            kan från ska också eller vad ut upp hur där du nu vara efter mycket hans här dem över när denna blev varit hade mig dig oss \
            hej tack ja nej bra varför eftersom god morgon själv något några bli bara måste skulle kunde ville mot utan än alla sedan \
            dag mår gärna vill ligger bor läser barn barnen ute igen hjälpa hjälp bror syster mor far bok varje kväll regnar tåg tåget \
            kaffe kopp närmaste station ses vecka år många alltid aldrig svenska sverige hus huset väg gata mat dricka pratar pengar \
            arbete vilken lite tillsammans redan innan mellan säger sa kommer får fick ser deras vår vårt min mitt mina din ditt dina \
            sin sitt hennes fin leker trädgården tid man kvinna liten stor gammal försenat
            """
        ),
        (
            "fi",
            """
            kello kaksi yksi kolme aika talo lähtee tulee menee kuuluu ja on ei se että oli hän en minä sinä me te he ovat joka mutta \
            kun niin kuin myös olla sen ole mitä tämä jos vain hänen nyt jo kaikki mukaan tai ennen vielä sitten kanssa jälkeen hyvä \
            hyvää päivää huomenta kiitos kyllä moi hei miten missä miksi koska tänään minun sinun sitä tätä ollut olen olet hyvin voi \
            voit mikä kuka jotka häntä siinä siellä täällä haluaisin kahvia lapset lapsi leikkivät voitko auttaa minua juna taas \
            myöhässä asuu veljeni sataa paljon puutarhassa kirja kirjaa lukee ilta päivä vuosi vuotta aina koskaan kotona koti tuolla \
            hieno uusi vanha kuinka paljonko lähin asema huomenna kaikille löydä syömme
            """
        ),
        (
            "ms",
            """
            yang dan di itu ini dengan untuk tidak dari dalam akan pada juga saya ke karena mereka ada kami kita dia adalah atau oleh \
            sudah telah lebih satu bagi boleh apa anda kamu bagaimana selamat pagi terima kasih ya bukan mana mengapa sangat baik hari \
            orang seperti kepada sebagai bila jika lagi semua beliau tersebut namun hanya antara apabila kerana tahun khabar jumpa esok \
            pukul sepuluh hujan turun membaca setiap malam kereta api lambat tolong awak abang kakak tinggal rumah jalan sekolah air \
            makan minum tidur pergi datang semalam kopi mahu secawan taman bermain stesen terdekat buku tahu
            """
        ),
        (
            "sw",
            """
            saa mchana asubuhi usiku kwenda kutoka watoto nyumba na ya wa kwa ni za katika la cha hii huo hiyo kama lakini yake wao mimi \
            wewe yeye sisi ninyi sana pia au hapa habari asante tafadhali jambo ndiyo hapana nini wapi leo nzuri mtu watu moja alikuwa \
            wakati yao kuwa hata baada kabla hakuna sasa kila wake yangu yako karibu kuhusu mbali zaidi kuna ambayo ambao treni tena \
            unaweza kunisaidia kusaidia mvua kaka dada anaishi anasoma kitabu kesho siku njema wote chakula maji shule barabara kazi \
            hivi ninataka ningependa kahawa kituo kiko imechelewa
            """
        ),
    ]
}
