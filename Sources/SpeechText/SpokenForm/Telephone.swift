/// How telephone numbers are spoken in a language.
struct Telephone: Sendable {
    /// Words before a telephone number, in lower case.
    var introductions: Set<String> = []
    /// Abbreviations for an extension, in lower case, and the spoken word.
    var extensionSigns: [String] = []
    var `extension` = ""
    /// Whether groups of two or three digits are spoken as numbers, as in French and Russian; otherwise digits are spoken one by one.
    var saysGroups = false
    /// The word for the plus sign, if it differs from that in arithmetic.
    var plus: String?
}

/// Telephone numbers.
extension TextScanner {
    /// Digits in their groups, and the end of the number.
    private struct Groups {
        var list: [String] = []
        /// The marks between the groups; all spaces count as one mark.
        var marks: Set<Unicode.Scalar> = []
        /// Whether the first or second group, an area code, is in brackets.
        var hasAreaCode = false
        var end: Int

        var lengths: [Int] { list.map(\.count) }
        var count: Int { lengths.reduce(0, +) }
    }

    /// 555-123-4567, 030 1234567, 8 (495) 123-45-67, and any number after a word for a telephone.
    func telephone(_ index: Int) -> Match? {
        guard begins(index) || isWide(scalars[index - 1]), let groups = groups(at: index), isTelephone(groups, at: index) else {
            return nil
        }
        return telephone(groups, isInternational: false)
    }

    /// +44 20 7946 0958, +49 (0)30 123456.
    func internationalTelephone(_ index: Int) -> Match? {
        guard index == 0 || !isWord(scalars[index - 1]), var groups = groups(at: index + 1) else { return nil }
        // The zero in brackets is dialled only within the country.
        if groups.hasAreaCode, groups.list.count > 2, groups.list[1] == "0" { groups.list.remove(at: 1) }
        let isOneRun = groups.list.count == 1
        guard (isOneRun ? 10 : 7)...15 ~= groups.count, !(groups.list.count == 2 && groups.marks == ["."]) else { return nil }
        return telephone(groups, isInternational: true)
    }

    /// (555) 123-4567.
    func bracketedTelephone(_ index: Int) -> Match? {
        guard let groups = groups(at: index), groups.hasAreaCode, groups.list.count > 1, 7...13 ~= groups.count else { return nil }
        return telephone(groups, isInternational: false)
    }

    // MARK: what a telephone number is

    private func groups(at index: Int) -> Groups? {
        var groups = Groups(end: index), next = index
        while true {
            let isBracketed = scalar(next) == "("
            guard let run = digits(at: isBracketed ? next + 1 : next, most: 16),
                !isBracketed || scalar(run.end) == ")" && groups.list.count < 2
            else { break }
            groups.list.append(run.text)
            groups.hasAreaCode = groups.hasAreaCode || isBracketed
            groups.end = isBracketed ? run.end + 1 : run.end
            next = groups.end
            guard let mark = scalar(next) else { break }
            // (555)123 and 44(0)20.
            if isBracketed ? isDigit(mark) : mark == "(" && isDigit(scalar(next + 1)) { continue }
            let isMark = ["-", ".", "/", "‑", "–"].contains(mark) || isSpace(mark)
            guard isMark, let after = scalar(next + 1), isDigit(after) || after == "(" && isDigit(scalar(next + 2)) else { break }
            groups.marks.insert(isSpace(mark) ? " " : mark)
            next += 1
        }
        return groups.list.isEmpty ? nil : groups
    }

    private func isTelephone(_ groups: Groups, at index: Int) -> Bool {
        let lengths = groups.lengths, count = groups.count, first = groups.list[0], hasSpaces = groups.marks.contains(" ")
        if isIntroduced(index) { return 3...15 ~= count && lengths.count <= 6 }
        if groups.hasAreaCode { return lengths.count > 2 && 8...13 ~= count }
        if form.language == "en", lengths == [3], let before = word(before: index)?.lowercased(), before == "call" || before == "dial" {
            return Self.emergencies.contains(first)
        }
        // A single group: it begins with zero, or is a Chinese mobile number.
        if lengths.count == 1 {
            if form.language == "en", count == 5, Self.states.contains(word(before: index) ?? "") { return true }
            return first.hasPrefix("0") && 9...11 ~= count || form.language == "zh" && count == 11 && first.hasPrefix("1")
        }
        if Self.shapes.contains(lengths), !hasSpaces { return true }
        if first.hasPrefix("0"), first.count > 1 { return (first.count == 2 ? 9 : 8)...13 ~= count }
        if first == "0" { return lengths.count > 3 && 10...12 ~= count }
        if Self.spacedShapes.contains(lengths) || lengths == Self.card && groups.marks.count == 1 { return true }
        switch form.language {
        // "ages 100-1000" is a range.
        case "en" where lengths == [3, 2, 4] || lengths == [5, 4]: return groups.marks == ["-"]
        case "en": return lengths == [3, 4] && groups.marks == ["-"] && !(first.hasSuffix("0") && groups.list[1].hasSuffix("00"))
        case "ru": return lengths == [1, 3, 3, 2, 2] && "78".contains(first) || lengths == [3, 2, 2] && !hasSpaces
        case "pt": return lengths == [5, 4] && !hasSpaces
        case "hi": return lengths == [5, 5]
        case "zh", "ja", "ko": return lengths == [3, 4, 4] || lengths.count == 3 && first.hasPrefix("0") && lengths[2] == 4
        default: return false
        }
    }

    private static let emergencies: Set<String> = ["911", "999", "112", "988"]
    /// Groups with hyphens or full stops that have no other meaning: North American numbers and Chinese mobile numbers.
    private static let shapes: Set<[Int]> = [[3, 3, 4], [1, 3, 3, 4], [3, 4, 4]]
    /// Groups that have no other meaning even with spaces.
    private static let spacedShapes: Set<[Int]> = [[2, 3, 2, 2], [3, 2, 2, 2], [3, 3, 2, 2]]
    /// A payment card number.
    private static let card = [4, 4, 4, 4]

    /// Abbreviations before a postal code of the United States.
    private static let states = Set(
        """
        AL AK AZ AR CA CO CT DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT \
        VA VT WA WI WV WY DC
        """.split(separator: " ").map(String.init))

    /// 1-800-FLOWERS: the digits of a number that continues with letters.
    func freephone(_ index: Int) -> Match? {
        guard form.language == "en", begins(index), let first = digits(at: index),
            let second = scalar(first.end) == "-" ? digits(at: first.end + 1) : nil,
            first.text == "1", second.text.count == 3, second.text.hasPrefix("8") || second.text == "900", scalar(second.end) == "-",
            let name = word(at: second.end + 1), name.text.first?.isUppercase == true
        else { return nil }
        return Match(second.end + 1, "\(say(group: first.text)), \(say(group: second.text)), ")
    }

    /// Whether a word for a telephone precedes: "Tel.: ", "电话：".
    private func isIntroduced(_ index: Int) -> Bool {
        var end = index
        while end > 0, isSpace(scalars[end - 1]) || [":", ".", "：", "°", "№"].contains(scalars[end - 1]) { end -= 1 }
        var start = end
        while start > 0, isLetter(scalars[start - 1]), end - start < 16 { start -= 1 }
        guard start < end else { return false }
        let word = string(start..<end).lowercased()
        // In scripts without spaces the beginning of a word is not marked.
        return words.telephone.introductions.contains(word)
            || isWideLanguage && words.telephone.introductions.contains(where: word.hasSuffix)
    }

    // MARK: speaking

    private func telephone(_ groups: Groups, isInternational: Bool) -> Match {
        let isSpelled = !words.telephone.saysGroups
        var said = groups.list.flatMap { Self.divided($0, isSpelled: isSpelled) }.map(say(group:)).joined(separator: joint)
        if isInternational { said = (words.telephone.plus ?? words.plus) + gap + said }
        guard let more = telephoneExtension(groups.end) else { return Match(groups.end, said) }
        return Match(more.end, said + more.spoken)
    }

    /// The text between groups: a comma, and in Japanese a particle.
    private var joint: String {
        switch form.language {
        case "zh": "，"
        case "ja": "の"
        case "ar": "، "
        default: ", "
        }
    }

    /// Divides long runs into groups of three, or into pairs if groups are spoken as numbers.
    private static func divided(_ run: String, isSpelled: Bool) -> [String] {
        let most = isSpelled ? 8 : run.hasPrefix("0") ? 4 : 3
        guard run.count > most else { return [run] }
        // Remaining digits are added to the last groups of three, or to the first pairs.
        let size = isSpelled ? 3 : 2, count = run.count / size, left = run.count % size
        var rest = run[...], parts: [String] = []
        for index in 0..<count {
            let isLonger = isSpelled ? index >= count - left : index < left
            parts.append(String(rest.prefix(size + (isLonger ? 1 : 0))))
            rest = rest.dropFirst(size + (isLonger ? 1 : 0))
        }
        return parts
    }

    private func say(group: String) -> String {
        guard words.telephone.saysGroups else { return say(digits: group) }
        let zeros = group.prefix { $0 == "0" }
        var said = zeros.map { _ in speller.cardinal(0) }
        if zeros.count < group.count { said.append(speller.number(whole: String(group.dropFirst(zeros.count)), fraction: nil)) }
        return said.joined(separator: " ")
    }

    /// Digits one by one, with the names used for telephone numbers.
    private func say(digits: String) -> String {
        let names = Self.digitNames[form.language] ?? [:]
        let said = digits.compactMap { digit in names[digit] ?? digit.wholeNumberValue.map { speller.cardinal($0) } }
        return said.joined(separator: isWideLanguage || form.language == "ko" ? "" : " ")
    }

    private static let digitNames: [String: [Character: String]] = ["zh": ["1": "幺"], "ja": ["0": "ゼロ"], "ko": ["0": "공"]]

    /// ext. 12, x12, Durchwahl 12.
    private func telephoneExtension(_ end: Int) -> Match? {
        var next = [",", "，", "、", ";"].contains(scalar(end)) ? end + 1 : end
        while isSpace(scalar(next)) { next += 1 }
        for sign in words.telephone.extensionSigns where has(sign, at: next, ignoringCase: true) {
            var start = next + sign.unicodeScalars.count
            if scalar(start) == "." { start += 1 }
            while isSpace(scalar(start)) { start += 1 }
            guard let run = digits(at: start, most: 6), ends(run.end), sign != "x" || start == next + 1 else { continue }
            let space = isWideLanguage ? "" : " "
            return Match(run.end, joint.trimmingJapanese + words.telephone.extension + space + say(group: run.text))
        }
        return nil
    }
}

extension String {
    /// The particle between groups is not used before an extension.
    fileprivate var trimmingJapanese: String { self == "の" ? "、" : self }
}
