/// What language a text is written in, told by its script, and among languages of one script by their commonest words and by letters that
/// one of them alone has.
///
/// ```swift
/// LanguageGuess("Bonjour, comment ça va ?", among: ["en", "fr", "de"])   // .likely("fr")
/// ```
public enum LanguageGuess: Sendable, Hashable {
    /// Only one of the languages is written in this script.
    case certain(String)
    /// The words speak for one language, and for no other nearly as much.
    case likely(String)
    /// Too few words to tell, and none that speaks against the usual language.
    case none
    /// Several languages would do, the likeliest first; empty where no word of the text is known.
    case unsure([String])

    /// Words that are looked at: more tell nothing new.
    private static let most = 150

    /// - Parameter languages: ISO 639-1 codes of those that it may be.
    public init(_ text: String, among languages: Set<String>) {
        var scripts: [Script: Int] = [:]
        for scalar in text.unicodeScalars.prefix(20_000) {
            if let script = Script(scalar) { scripts[script, default: 0] += 1 }
        }
        // Han is read with kana as Japanese, and alone as Chinese.
        if let kana = scripts[.kana], kana * 8 >= scripts[.han] ?? 0 { scripts[.kana] = kana + (scripts.removeValue(forKey: .han) ?? 0) }
        if let hangul = scripts[.hangul], let han = scripts[.han], han < hangul {
            scripts[.hangul] = hangul + (scripts.removeValue(forKey: .han) ?? 0)
        }
        // A foreign name's letters are more than the characters around it.
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

    /// A script that one language alone is written in here, by that language's code.
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

    private static func latin(_ text: String, _ languages: Set<String>) -> LanguageGuess {
        let words = text.lowercased().split(maxSplits: most) { !($0.isLetter || $0 == "'" || $0 == "’") }.prefix(most).map {
            String($0).replacing("’", with: "'")
        }
        guard !words.isEmpty else { return .none }
        var scores: [String: Double] = [:], known = 0
        for word in words {
            let owners = commonWords[word]?.filter(languages.contains) ?? []
            // A word that many share says little.
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
        if isEnough, best.value >= 1.2 * second + 0.15, best.value >= 0.04 * Double(words.count) { return .likely(best.key) }
        // A word or two, as a name or "OK", may be anything.
        if words.count < 4, best.value < 0.9 { return .none }
        return .unsure(ranked.prefix(3).filter { $0.value * 2 >= best.value }.map(\.key))
    }

    /// Letters that stand together in one language and seldom in others.
    private static let parts: [(language: String, parts: [String])] = [
        ("fi", ["ää", "yö", "uo", "hd", "ii", "yy"]), ("nl", ["ij", "aa", "oe", "uu"]), ("de", ["sch", "ei", "pf", "tz"]),
        ("pl", ["sz", "cz", "rz", "dz", "ów"]), ("it", ["gli", "cch", "zz", "ggi"]),
        ("sw", ["kw", "mb", "ny", "nda", "ng'", "aon"]), ("en", ["th", "wh", "ough", "sh"]), ("fr", ["eau", "aux", "oi", "qu'"]),
        ("es", ["ll", "ñ", "ué"]), ("pt", ["lh", "nh", "õe"]),
        ("da", ["øj", "æv", "hv"]), ("no", ["kj", "øy", "hv"]), ("sv", ["ck", "sj", "hj"]), ("tr", ["üz", "ığ", "çı"]),
        ("ms", ["ng", "ber", "men", "ter"]),
    ]

    /// Letters that, among the languages here, one or two are written with.
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

    /// Each word's languages.
    private static let commonWords: [String: [String]] = {
        var languages: [String: [String]] = [:]
        for (language, words) in wordLists {
            for word in Set(words.split(separator: " ").map(String.init)) { languages[word, default: []].append(language) }
        }
        return languages
    }()

    /// The commonest words of each language, and what greetings and requests begin with.
    private static let wordLists: [(String, String)] = [
        ("en", """
            the of and to in is that it was for on are with as his they be at this have from or had by not but what all were we when \
            your can said there an which their if will each about how up out them then she many some so these would other into has \
            more her two like him see time could no make than first been its who now my over did down only way find use may water \
            long little very after words called just where most know hello please thank thanks you i'm don't it's good morning yes \
            am i do does me our us why because here
            """),
        ("de", """
            der die das und ist in zu den nicht von sie mit dem sich des ein eine auf für es im auch als an nach wie werden aus er \
            hat dass bei oder war wir ich aber einen einer um am noch wird sind haben nur sein man über zum zur kann so wenn mehr \
            was durch ihr ihre mein dein guten tag hallo danke bitte ja nein wo warum weil heute morgen gut geht dir ihnen mir uns \
            habe bin bist du keine kein diese dieser schon sehr
            """),
        ("fr", """
            le la les des et est un une de du que qui en dans pour pas au aux ce cette ces il elle je tu nous vous ils elles ne se \
            sur avec plus par son sa ses mon ma mes ton ta sont été être avoir fait comme mais ou où donc si tout tous très bien \
            bonjour bonsoir merci oui non comment ça va c'est j'ai d'un d'une l'on qu'il qu'elle n'est s'il plaît aujourd'hui quand \
            aussi même peut leur leurs sans encore après avant j'aime il y a
            """),
        ("es", """
            dónde sé cómo aquí así ahora vez casa gran tan el la los las de del que y en un una es no se por con para su al lo como \
            más pero sus le ya o este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos \
            durante todos uno les ni contra otros ese eso ante ellos e esto mí antes algunos qué unos yo otro otra él tanto esa \
            estos mucho hola buenos días gracias favor cómo está estás estoy soy eres son tiene tengo fue ser
            """),
        ("pt", """
            o a os as de do da dos das que e em um uma é não no na nos nas por com para se mais como mas ao ele ela seu sua ou \
            quando muito já também só pelo pela até isso entre depois sem mesmo aos seus quem me esse eles você essa num nem suas \
            meu minha às têm foi são está estão eu tudo bem olá obrigado obrigada bom dia boa noite sim onde porque estou sou tem \
            vamos fazer ser isto nós
            """),
        ("it", """
            il lo la i gli le di del della dei delle che e è un una uno in nel nella per non con su da dal dalla si sono ha come più \
            ma al alla anche se io tu lui lei noi voi loro questo questa quello quella ho hai abbiamo hanno era essere fare tutto \
            tutti molto bene ciao buongiorno grazie prego sì perché dove quando chi cosa mio mia tuo suo sua ci ne ancora già dopo \
            prima così oggi c'è dell'anno l'ha
            """),
        ("nl", """
            de het een en van ik te dat die in is niet zijn op aan met als voor er maar om hem dan zou of wat mijn men dit zo door \
            over ze zich bij ook tot je mij uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij nu ge geen omdat \
            iets worden toch al waren veel meer doen toen moet ben zonder kan hun dus alles onder ja eens hier wie werd altijd \
            goedemorgen hallo dank bedankt alstublieft gaat het goed wij jij bent vandaag wordt
            """),
        ("pl", """
            i w na z do nie się jest to że o jak po co tak za od ale przez dla czy są tym był ten ma być tylko już jego jej ich może \
            które który która jeszcze gdy bardzo tego przed pod kiedy nic mnie mi ja ty on ona my wy oni dzień dobry cześć dziękuję \
            proszę tak nie gdzie dlaczego bo dziś dobrze mam masz była było były będzie oraz także przy bez
            """),
        ("tr", """
            saat zaman şimdi gün yeni biri kitap ve bir bu da de için ile çok ne gibi daha var mi ben sen o biz siz onlar ama olarak \
            kadar sonra en olan her değil evet hayır merhaba teşekkürler lütfen nasılsın nasıl nerede neden çünkü bugün iyi ki şey \
            diye bana sana onun benim senin olduğu oldu yok ise veya göre önce iki kendi büyük günaydın ediyor var mı musun
            """),
        ("da", """
            klokken og i at det en er til af på for med den de ikke der var han jeg som et har om vi hun sig man kan fra men så skal \
            også eller hvad ud op hvor ved du nu være efter meget hans her dem over når denne blev været havde mig dig os hej tak ja \
            nej godt hvordan hvorfor fordi goddag morgen selv noget nogle blive hvis kun måtte ud af ikke også kunne ville
            """),
        ("no", """
            veldig vet klokken og i det er på til en av for at som med han de ikke den var jeg har om et men hun så seg vi fra kan \
            skal hva ved nå være etter mye hans her dem over når denne ble vært hadde meg deg oss hei takk ja nei godt bra hvordan \
            hvorfor fordi morgen selv noe noen bli hvis bare også etter mot opp ut eller hvor du går jo fikk kunne ville gjør dere \
            nei sier mellom
            """),
        ("sv", """
            går klockan vet inget timme och i att det en är på till av för med den som inte har de ett han var jag om så men hon sig \
            vi kan från ska också eller vad ut upp hur där du nu vara efter mycket hans här dem över när denna blev varit hade mig \
            dig oss hej tack ja nej bra varför eftersom god morgon själv något några bli om bara måste skulle kunde ville mot utan \
            än alla sedan dag mår
            """),
        ("fi", """
            kello kaksi yksi kolme aika talo lähtee tulee menee kuuluu ja on ei se että oli hän en minä sinä me te he ovat joka \
            mutta kun niin kuin myös olla sen ole mitä tämä jos vain hänen nyt jo kaikki mukaan tai ennen vielä sitten kanssa \
            jälkeen hyvä hyvää päivää huomenta kiitos kyllä moi hei miten missä miksi koska tänään minun sinun sitä tätä ollut olen \
            olet hyvin voi voit mikä kuka jotka häntä siinä siellä täällä
            """),
        ("ms", """
            yang dan di itu ini dengan untuk tidak dari dalam akan pada juga saya ke karena mereka ada kami kita dia adalah atau \
            oleh sudah telah lebih satu bagi boleh apa anda kamu bagaimana selamat pagi terima kasih ya bukan mana mengapa sangat \
            baik hari orang seperti kepada sebagai bila jika boleh lagi semua beliau tersebut namun hanya antara apabila kerana \
            tahun khabar
            """),
        ("sw", """
            saa mchana asubuhi usiku kwenda kutoka watoto nyumba na ya wa kwa ni za katika la cha hii huo hiyo kama lakini yake wao \
            mimi wewe yeye sisi ninyi sana pia au hapa habari asante tafadhali jambo ndiyo hapana nini wapi kwa nini leo nzuri mtu \
            watu moja alikuwa wakati yao kuwa hata baada kabla hakuna sasa kila wake yangu yako karibu kuhusu mbali zaidi kuna \
            ambayo ambao
            """),
    ]
}
